"""AlphaZero: Silver et al. 2017. A network learns from games against itself, in which a search looks ahead with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.plugin import Batch, Inputs, Run, Step, Strategy, param
from powertrain_rl.choices import best
from powertrain_rl.errors import StrategyError
from powertrain_rl.games.board import BoardGame, Boards
from powertrain_rl.games.search import searched

FORBIDDEN = -1e9  # the score of a move that the rules forbid


class AlphaZero(Strategy):
    """Play whole games against itself, each move by a search that the network guides. Learn to choose at once what the
    search found, and who won."""

    task = "control"
    example_recipe = """\
data.env  = { use = "rl/tic-tac-toe", copies = 4 }
model     = { use = "mlp", hidden = [8] }
strategy  = { use = "rl/alphazero", simulations = 4, batch = 16, updates = 4, replay = 256, matches = 2 }
optimizer = { use = "adam", lr = 1e-3 }
run       = { until = "100 rounds" }
"""

    @dataclass(frozen=True)
    class Params:
        simulations: int = param(50, low=1, doc="simulations of the search before each move")
        explore: float = param(1.5, above=0, doc="how much the search tries what it has tried less")
        noise: float = param(0.25, low=0, high=1, doc="share of random numbers in what self-play tries first")
        concentration: float = param(1.0, above=0, doc="of the Dirichlet distribution that these are drawn from")
        open: int = param(8, low=0, doc="moves of a game that are drawn by how often the search tried them; of the "
                                        "later ones the most tried is made")  # fmt: skip
        updates: int = param(64, low=1, doc="batches that are learned from after each round of games")
        batch: int = param(128, low=1, doc="boards in one batch")
        replay: int = param(20_000, low=1, doc="boards that are kept; a game gives two for each move, one mirrored")
        matches: int = param(20, low=0, doc="games of the search against the environment's opponent at each evaluation")

    def setup(self, run: Run) -> None:
        self.env = run.env()
        game = self.env.another()
        if not isinstance(game, BoardGame):
            raise StrategyError(
                f"[strategy alphazero] the environment is {type(game).__name__}; expected a board game, whose rules "
                'the search knows; use data.env = { use = "rl/connect-four", copies = 64 }'
            )
        self.policy = run.model()
        self.critic = run.model("critic", inputs=Inputs("regression", self.env.observation.shape, 1))
        self.opt = run.optim("model", "critic")
        self.game, number = game, np.float32(0)
        chances = np.zeros(game.actions, np.float32)
        self.ring = run.ring("replay", self.params.replay, x=self.env.observation, chances=chances, value=number)
        run.after_evaluation(self.challenge)

    def round(self, run: Run) -> None:
        self.ring.append(**self.self_play(run))
        run.loop(self.learn, self.ring.sample(self.params.batch), self.params.updates)

    def self_play(self, run: Run) -> dict[str, NDArray[Any]]:
        """Games from the first move to the last, as many as the environment has copies: the boards as who moves sees
        them, what the search found there, and how the game ended for who moves."""
        settings, count = self.params, self.env.copies
        rng = np.random.Generator(np.random.Philox(key=int(pt.random.integers(1 << 53))))
        boards, going = self.game.empty(count), np.arange(count)
        last, result, rows = np.zeros(count, np.int64), np.zeros(count, np.float32), []
        for move in range(self.game.rows * self.game.columns):
            noise = rng.dirichlet(np.full(self.game.actions, settings.concentration), len(boards))
            shares = self.search(run, boards, (noise, settings.noise))
            rows.append((np.full(len(boards), move), going, boards, shares))
            ends = shares.cumsum(axis=1)
            drawn = (ends <= rng.random((len(boards), 1)) * ends[:, -1:]).sum(axis=1)
            boards, won, over = self.game.play(boards, drawn if move < settings.open else shares.argmax(axis=1))
            last[going[over]], result[going[over]] = move, won[over]
            boards, going = boards[~over], going[~over]
            if not len(going):
                break
        moves, games, seen, chances = (np.concatenate(part) for part in zip(*rows, strict=True))
        x, chances = self.game.see(seen), chances.astype(np.float32)
        value = np.where((last[games] - moves) % 2, -result[games], result[games])  # players move by turns
        return {
            "x": np.concatenate([x, x[:, :, ::-1]]),
            "chances": np.concatenate([chances, self.game.mirrored(chances)]),
            "value": np.concatenate([value, value]),
        }

    def search(self, run: Run, boards: Boards, noise: tuple[Any, float] | None = None) -> NDArray[np.float64]:
        """How often each move of some boards is tried."""
        rows = max(self.env.copies, self.params.matches)  # the same for all, so that one program serves them

        def judge(boards: Boards) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            x = np.zeros((rows, *self.env.observation.shape), np.float32)
            x[: len(boards)] = self.game.see(boards)
            found = run.compute(self.judged, x=x)[: len(boards)].astype(np.float64)
            return found[:, :-1], found[:, -1]

        return searched(self.game, judge, boards, self.params.simulations, self.params.explore, noise)

    def judged(self, t: Step, batch: Batch) -> Any:
        """How likely each move is, and in a last column what the board is worth."""
        return pt.concat([pt.softmax(self.predict(t, batch)), pt.tanh(self.critic(batch.x))], axis=1)

    def learn(self, t: Step, batch: Batch) -> None:
        unlike = -pt.sum(batch.chances * pt.log_softmax(self.predict(t, batch)), axis=1)
        error = pt.square(pt.tanh(self.critic(batch.x))[:, 0] - batch.value)
        t.minimize(self.opt, unlike + error, batch.weight)
        for name, losses in {"loss": unlike + error, "value_error": error}.items():
            t.log(name, pt.sum(losses * batch.weight), pt.sum(batch.weight))

    def challenge(self, run: Run, number: int) -> str | None:
        """The search against the environment's opponent, the same games each time."""
        games: list[Any] = [self.env.another() for _ in range(self.params.matches)]
        for seed, game in enumerate(games):
            game.reset(seed)
        going, returns = list(range(len(games))), [0.0] * len(games)
        while going:
            moves = self.search(run, np.stack([games[at].board for at in going])).argmax(axis=1)
            ended = set()
            for at, move in zip(going, moves.tolist(), strict=True):
                _, returns[at], over, _ = games[at].step(move)
                ended |= {at} if over else set()
            going = [at for at in going if at not in ended]
        if not games:
            return None
        won, lost = sum(one > 0 for one in returns), sum(one < 0 for one in returns)
        against = f"{len(games)} games against {self.game.opponent}"
        return f"with search: {won} won, {len(games) - won - lost} drawn, {lost} lost of {against}"

    def predict(self, t: Step, batch: Batch) -> Any:
        return pt.where(self.game.legal_of(batch.x), self.policy(batch.x), FORBIDDEN)

    def answer(self, output: Any) -> dict[str, Any]:
        return best(output)
