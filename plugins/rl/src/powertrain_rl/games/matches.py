"""Matches: whole games of a player against an environment's opponent, side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin import Section

if TYPE_CHECKING:
    from powertrain_rl.games.board import BoardGame, Boards

# How good each move of each board is, [boards, actions]; one that the rules forbid is never the best.
Player = Callable[["Boards"], NDArray[Any]]


def returns_of(player: Player, game: BoardGame, count: int) -> NDArray[np.float64]:
    """How so many games end for the player: 1 won, 0 drawn, -1 lost. They are the same games each time."""
    games = [type(game)(game.params) for _ in range(count)]
    for seed, one in enumerate(games):
        one.minimax = game.minimax  # what it has looked at for one of them it knows for all
        one.reset(seed)
    returns, going = np.zeros(count), list(range(count))
    while going:
        moves = player(np.stack([games[at].board for at in going])).argmax(axis=1).tolist()
        steps = {at: games[at].step(move) for at, move in zip(going, moves, strict=True)}
        for at, (_, reward, _, _) in steps.items():
            returns[at] = reward
        going = [at for at in going if not steps[at][2]]
    return returns


def in_words(returns: NDArray[np.float64]) -> str:
    return f"{(returns > 0).sum()} won, {(returns == 0).sum()} drawn, {(returns < 0).sum()} lost"


def matches_section(game: BoardGame, players: Mapping[str, Player], count: int) -> Section:
    """A page of the report: each player against the environment's opponent, and against random moves."""
    random = type(game)(dataclasses.replace(game.params, opponent="random"))
    rivals = {one.rival: one for one in (random, game)}
    rows = [("", *(f"against {rival}" for rival in rivals))]
    for name, player in {**players, "random moves": guesses(game)}.items():
        rows.append((name, *(in_words(returns_of(player, rival, count)) for rival in rivals.values())))
    return Section("Matches", (f"{count} games each. Who begins is drawn.",), tuple(rows))


def guesses(game: BoardGame) -> Player:
    """A player that makes any legal move."""
    rng = np.random.Generator(np.random.Philox(key=0))
    return lambda boards: np.where(game.legal(boards), rng.random((len(boards), game.actions)), -1.0)
