"""Board games: their rules, the player that looks ahead, the search, and what is learned by playing against itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import registry
from powertrain.plugin.testing import killed_and_resumed, powertrain
from powertrain.recipe import load_recipe
from powertrain.train.building import build
from powertrain.train.display.display import Display
from powertrain.train.folder.run_folder import RunFolder
from powertrain_rl.games.board import BoardGame, lines
from powertrain_rl.games.matches import guesses, in_words, matches_section, returns_of
from powertrain_rl.games.minimax import Minimax
from powertrain_rl.games.network import BoardNetwork
from powertrain_rl.games.search import blind, searched
from powertrain_rl.games.self_play import self_play

ALPHAZERO = """\
data.env  = { use = "rl/tic-tac-toe", copies = 8, opponent = "random" }
model     = { use = "mlp", hidden = [32] }
strategy  = { use = "rl/alphazero", simulations = 8, batch_size = 32, updates = 8, replay = 500, matches = 4 }
optimizer = { use = "adamw", lr = 1e-2, schedule = "polynomial" }
run       = { until = "8 rounds", save_seconds = 0, evaluate = { every = "2 rounds", episodes = 20 } }
report    = { baseline = false }
"""
GAMES = ["tic-tac-toe", "connect-four"]


def game(name: str, **params: Any) -> Any:
    plugin = registry().load("env", f"rl/{name}")
    return plugin.build(plugin.Params(**params))


def some_boards(made: BoardGame, count: int, seed: int = 0) -> Any:
    """Boards that games with random moves come through."""
    rng, boards = np.random.default_rng(seed), []
    while len(boards) < count:
        board, over = made.empty(1), np.array([False])
        while not over[0]:
            boards.append(board[0])
            board, _, over = made.play(board, np.array([rng.choice(np.flatnonzero(made.legal(board)[0]))]))
    return np.stack(boards[:count])


def board(text: str) -> Any:
    """From rows of x (to move), o and dots."""
    rows = [[{"x": 1, "o": -1, ".": 0}[mark] for mark in row] for row in text.split()]
    return np.array(rows, np.int8)[None]


def test_there_are_so_many_lines() -> None:
    assert lines(3, 3, 3).shape == (9, 8) and lines(6, 7, 4).shape == (42, 69)


def test_a_line_wins_and_a_full_board_is_a_draw() -> None:
    made = game("tic-tac-toe")
    for text, move, wins, ends in (("xx. oo. ...", 2, True, True), ("xx. oo. ...", 8, False, False),
                                   ("xox xoo ox.", 8, False, True), ("x.o .xo ...", 8, True, True)):  # fmt: skip
        _, won, over = made.play(board(text), np.array([move]))
        assert (won[0], over[0]) == (wins, ends)


def test_pieces_fall_and_full_columns_are_closed() -> None:
    made = game("connect-four")
    boards = made.empty(1)
    for _ in range(6):
        assert made.legal(boards)[0].all()
        boards, won, over = made.play(boards, np.array([3]))
        assert not won[0] and not over[0]
    assert (boards[0, :, 3] == [-1, 1, -1, 1, -1, 1]).all()
    assert made.legal(boards)[0].tolist() == [True, True, True, False, True, True, True]


@pytest.mark.parametrize("name", GAMES)
def test_a_mirrored_game_is_the_same_game(name: str) -> None:
    made = game(name)
    boards = some_boards(made, 50)
    legal = made.legal(boards)
    assert (made.legal(boards[:, :, ::-1]) == made.mirrored(legal)).all()
    moves = legal.argmax(axis=1)
    mirrored_moves = made.mirrored(np.eye(made.actions)[moves]).argmax(axis=1)
    straight, mirrored = made.play(boards, moves), made.play(boards[:, :, ::-1].copy(), mirrored_moves)
    assert (straight[0][:, :, ::-1] == mirrored[0]).all() and (straight[1] == mirrored[1]).all()


@pytest.mark.parametrize("name", GAMES)
def test_what_is_allowed_is_told_from_an_observation(name: str) -> None:
    made = game(name)
    boards = some_boards(made, 60)
    assert (made.legal_of(pt.tensor(made.see(boards))).numpy() == made.legal(boards)).all()


def test_answers_that_minimax_keeps_are_those_that_it_gives_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made = game("tic-tac-toe")
    boards = some_boards(made, 60)
    anew = np.concatenate([Minimax(made, 4)(board[None]) for board in boards])
    for kept in (1 << 14, 8):  # room for all, and for few
        monkeypatch.setattr("powertrain_rl.games.minimax.KEPT", kept)
        minimax = Minimax(made, 4)
        for part in (slice(0, 20), slice(10, 60), slice(0, 60), slice(0, 0)):
            np.testing.assert_array_equal(minimax(boards[part]), anew[part])


def test_two_perfect_players_draw_and_one_never_loses() -> None:
    made = game("tic-tac-toe")
    worth = made.minimax(made.empty(1))
    assert (worth == 0).all()  # every first move leads to a draw
    rng = np.random.default_rng(1)
    for number in range(30):
        boards, over, turn = made.empty(1), np.array([False]), number % 2
        while not over[0]:
            worth = made.minimax(boards)[0]
            chosen = worth.argmax() if turn else rng.choice(np.flatnonzero(made.legal(boards)[0]))
            boards, won, over = made.play(boards, np.array([chosen]))
            assert turn or not won[0]
            turn = 1 - turn


def test_minimax_wins_soon_and_loses_late() -> None:
    made = game("connect-four", depth=4)
    wins = made.minimax(board("....... ....... ....... ....... ....... xxx.ooo"))[0]
    assert wins.argmax() == 3 and wins[3] == 1
    blocks = made.minimax(board("....... ....... ....... ....... x...... ooo.x.x"))[0]
    assert blocks.argmax() == 3 and (np.delete(blocks, 3) < -0.9).all()
    assert np.isneginf(made.minimax(board("o...... x...... o...... x...... o...... x......"))[0, 0])


def test_the_search_sees_what_wins_and_what_must_be_stopped() -> None:
    made = game("connect-four")
    boards = np.concatenate([board("....... ....... ....... ....... ....... xxx.ooo"),
                             board("....... ....... ....... ....... x...... ooo.x.x"), made.empty(1)])  # fmt: skip
    shares = searched(made, blind(made), boards, 200, 1.5)
    assert shares.argmax(axis=1)[:2].tolist() == [3, 3] and shares[0, 3] > 0.8
    assert np.allclose(shares.sum(axis=1), 1)
    alone = [searched(made, blind(made), boards[at : at + 1], 200, 1.5)[0] for at in range(3)]
    assert (np.stack(alone) == shares).all()  # trees know nothing of each other


def test_the_search_is_as_good_as_minimax_where_it_can_look_to_the_end() -> None:
    made = game("tic-tac-toe")
    boards = some_boards(made, 40, seed=3)
    boards = boards[(boards == 0).sum(axis=(1, 2)) <= 6]
    shares = searched(made, blind(made), boards, 800, 1.5)
    worth = made.minimax(boards)
    chosen = worth[np.arange(len(boards)), shares.argmax(axis=1)]
    assert (np.sign(chosen) == np.sign(worth.max(axis=1))).all()


def test_noise_changes_what_is_tried_but_makes_no_move_legal() -> None:
    made = game("connect-four")
    boards = board("o...... x...... o...... x...... o...... x......")
    noise = np.array([[0.9, 0.1, 0, 0, 0, 0, 0]])
    shares = searched(made, blind(made), boards, 40, 1.5, (noise, 1.0))
    assert shares[0, 0] == 0 and shares[0, 1] > 0.9


@pytest.mark.parametrize("name", GAMES)
def test_an_episode_is_a_game_against_the_opponent(name: str) -> None:
    made, rng, seen = game(name, opponent="random"), np.random.default_rng(0), set()
    for seed in range(60):
        observation = made.reset(seed)
        begins = int(observation.sum())
        over = False
        while not over:
            action = int(rng.choice(np.flatnonzero(made.legal(made.board[None])[0])))
            observation, reward, over, truncated = made.step(action)
            assert not truncated and (over or reward == 0)
        seen.add((begins, reward))
    assert {(0, 1.0), (0, -1.0), (1, 1.0), (1, -1.0)} <= seen
    made.reset(0)
    taken = made.board.reshape(-1).nonzero()[0] if name == "tic-tac-toe" else []
    if len(taken):
        assert made.step(int(taken[0]))[1:3] == (-1.0, True)


def made_run(folder: Path, *changes: str) -> Any:
    (folder / "small.toml").write_text(ALPHAZERO, encoding="utf-8")
    run = build(load_recipe(str(folder / "small.toml"), list(changes)), RunFolder(folder / "run"), Display(quiet=True))
    run.strategy.setup(run)
    return run


def test_self_play_tells_each_player_how_the_game_ended() -> None:
    made = game("tic-tac-toe")

    def search(boards: Any) -> Any:
        return searched(made, blind(made), boards, 8, 1.5)

    played = self_play(made, search, 8, 9, np.random.default_rng(0))
    half = len(played["value"]) // 2
    counts = played["x"][:half].sum(axis=(1, 2, 3)).astype(int)
    assert (counts[:8] == 0).all() and set(np.unique(played["value"])) <= {-1.0, 0.0, 1.0}
    assert np.allclose(played["chances"].sum(axis=1), 1, atol=1e-6)
    legal = made.legal_of(pt.tensor(played["x"])).numpy()
    assert (played["chances"][~legal] == 0).all()
    # The move before the end of a game that was won is the winner's.
    boards = (played["x"][..., 0] - played["x"][..., 1]).astype(np.int8)[:half]
    won = made.minimax(boards).max(axis=1) == 1
    assert won.any() and np.mean(played["value"][:half][won]) > 0
    assert (played["x"][half:] == played["x"][:half, :, ::-1]).all()


def test_matches_are_counted_for_each_player() -> None:
    made = game("tic-tac-toe")
    found = returns_of(made.minimax, made, 6)
    assert (found == 0).all() and in_words(found) == "0 won, 6 drawn, 0 lost"
    assert returns_of(guesses(made), made, 20).mean() < -0.5
    page = matches_section(made, {"minimax": made.minimax}, 4)
    assert page.rows[0] == ("", "against random moves", "against minimax, 9 moves ahead")
    assert [row[0] for row in page.rows[1:]] == ["minimax", "random moves"]
    assert page.rows[1][1].endswith("0 lost") and page.rows[1][2] == "0 won, 4 drawn, 0 lost"


def test_a_board_network_sees_a_line_wherever_it_is() -> None:
    network = BoardNetwork((6, 7, 2), 8)
    x = np.zeros((2, 6, 7, 2), np.float32)
    x[0, 5, 0:3, 0] = x[1, 3, 3:6, 0] = 1
    seen = network.windows(pt.tensor(x)).numpy()
    assert seen.shape == (2, 3, 4, 64) and np.allclose(seen[0, 2, 0], seen[1, 0, 3])
    with pytest.raises(pt.Error) as caught:
        BoardNetwork((3, 3, 2), 10)
    assert str(caught.value) == (
        "[board-network] window = 4 on a board of 3 x 3; expected a window that fits on it; give window = 3 or less"
    )


def test_it_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    killed_and_resumed(ALPHAZERO, tmp_path, after="round 4/8")
    report = (tmp_path / "whole" / "report.html").read_text(encoding="utf-8")
    assert "An episode" in report and "could not be drawn" not in report and "the search alone" in report


def test_the_search_plays_against_the_opponent(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    said = run.strategy.challenge(run, 1)
    assert said is not None and said.endswith(" of 4 games against random moves")
    assert run.strategy.challenge(run, 2) == said
    assert -1 <= run.strategy.score(run, "env")["search_return"] <= 1
    without = made_run(tmp_path, "strategy.matches=0").strategy
    assert without.challenge(run, 1) is None and not without.score(run, "env") and not without.sections(run)


def test_what_is_not_measured_is_said_before_the_first_game(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(ALPHAZERO, encoding="utf-8")
    with pytest.raises(pt.Error) as caught:
        pt.fit(str(tmp_path / "small.toml"), **{"expect.env.search_retrun": ">= 0"}, folder=tmp_path / "run")
    assert str(caught.value).startswith(
        "[expect.env.search_retrun] it is not measured; expected one of env.return, env.length, env.search_return, "
    )


def test_what_is_no_board_game_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pt.Error) as caught:
        made_run(tmp_path, "data.env={use='rl/cartpole', copies=2}")
    assert str(caught.value).startswith(
        "[strategy alphazero] the environment is CartPole; expected a board game, whose "
    )


def test_a_trained_player_leaves_home(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(ALPHAZERO, encoding="utf-8")
    powertrain("train", "small.toml", "--run", "run", "--set", "run.until=2 rounds", folder=tmp_path)
    np.save(tmp_path / "seen.npy", np.zeros((2, 3, 3, 2), np.float32))
    assert '"action"' in powertrain("predict", "run", "seen.npy", "--json", folder=tmp_path)
    said = powertrain("evaluate", "run", folder=tmp_path)
    assert " 20 episodes " in said and "search_return" in said
    for form in ("c", "wheel"):
        assert "drawn inputs" in powertrain("export", "run", "--to", form, folder=tmp_path)
    trained_run = pt.load(tmp_path / "run")
    assert trained_run.predict(np.zeros((3, 3, 3, 2), np.float32)).outputs.shape == (3, 9)
    assert trained_run.quantize(8, folder=tmp_path / "quantized").metric == "return"
