"""Monte Carlo tree search, guided by a network: Silver et al. 2017. The trees of many games grow side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from powertrain_rl.games.board import BoardGame, Boards

Floats = NDArray[np.float64]
# Of boards: how likely each move is, [boards, actions], and what the board is worth to who moves, [boards].
Judge = Callable[["Boards"], tuple[Floats, Floats]]


class Trees:
    """A tree for each board. A node is a board; an edge is a move from it, and knows how often it was gone, and what
    came of that, as the player who makes the move sees it."""

    def __init__(self, game: BoardGame, judge: Judge, boards: Boards, size: int, explore: float) -> None:
        self.game, self.judge, self.explore, count = game, judge, explore, len(boards)
        edges = (count, size, game.actions)
        self.boards = np.zeros((count, size, *boards.shape[1:]), np.int8)
        self.prior, self.visits, self.total = np.zeros(edges), np.zeros(edges), np.zeros(edges)
        self.child = np.full(edges, -1)
        self.over, self.result = np.zeros((count, size), bool), np.zeros((count, size))
        self.used = np.ones(count, np.int64)
        self.games = np.arange(count)
        self.boards[:, 0] = boards
        self.prior[:, 0], _ = self._judged(boards)

    def _judged(self, boards: Boards) -> tuple[Floats, Floats]:
        chances, values = self.judge(boards)
        chances = np.where(self.game.legal(boards), chances + 1e-9, 0.0)
        return chances / np.maximum(chances.sum(axis=1, keepdims=True), 1e-30), values

    def stir(self, noise: Floats, share: float) -> None:
        """Mix random numbers into what is tried first at the roots, so that self-play sees more than it expects."""
        legal = self.game.legal(self.boards[:, 0])
        noise = np.where(legal, noise, 0.0)
        self.prior[:, 0] = (1 - share) * self.prior[:, 0] + share * noise / noise.sum(axis=1, keepdims=True)

    def simulate(self) -> None:
        """Go down each tree to a move that was not made yet, judge the board behind it, and tell it to all above."""
        path, going = [], np.ones(len(self.games), bool)
        node = np.zeros(len(self.games), np.int64)
        while going.any():
            move = self._promising(node)
            path.append((node, move, going))
            next_node = self.child[self.games, node, move]
            new = going & (next_node < 0)
            next_node = np.where(new, self._grown(node, move, new), next_node)
            node, going = np.where(going, next_node, node), going & ~new & ~self.over[self.games, next_node]
        values = self._values(node)
        for at, move, gone in reversed(path):
            values = np.where(gone, -values, values)
            games = self.games[gone]
            self.visits[games, at[gone], move[gone]] += 1
            self.total[games, at[gone], move[gone]] += values[gone]

    def _promising(self, node: NDArray[np.int64]) -> NDArray[np.int64]:
        """The move of each node with the best mean so far, and something for those that were tried less than they
        should be."""
        prior, visits = self.prior[self.games, node], self.visits[self.games, node]
        mean = self.total[self.games, node] / np.maximum(visits, 1)
        wished = self.explore * prior * np.sqrt(visits.sum(axis=1, keepdims=True) + 1) / (1 + visits)
        return np.where(prior > 0, mean + wished, -np.inf).argmax(axis=1)

    def _grown(self, node: NDArray[np.int64], move: NDArray[np.int64], new: NDArray[np.bool_]) -> NDArray[np.int64]:
        """A node for each move that is made for the first time."""
        made, games = self.used.copy(), self.games[new]
        boards, won, over = self.game.play(self.boards[games, node[new]], move[new])
        self.boards[games, made[new]] = boards
        self.over[games, made[new]], self.result[games, made[new]] = over, -won.astype(np.float64)
        self.child[games, node[new], move[new]] = made[new]
        self.used[new] += 1
        return made

    def _values(self, node: NDArray[np.int64]) -> Floats:
        """What the boards that were come to are worth to who moves there; moves from the new ones are now known."""
        prior, values = self._judged(self.boards[self.games, node])
        over = self.over[self.games, node]
        self.prior[self.games, node] = np.where(over[:, None], self.prior[self.games, node], prior)
        return np.where(over, self.result[self.games, node], values)


def searched(
    game: BoardGame, judge: Judge, boards: Boards, simulations: int, explore: float,
    noise: tuple[Floats, float] | None = None,
) -> Floats:  # fmt: skip
    """How often each move of each board was tried by so many simulations, as shares: [boards, actions]."""
    trees = Trees(game, judge, boards, simulations + 1, explore)
    if noise is not None:
        trees.stir(*noise)
    for _ in range(simulations):
        trees.simulate()
    visits = trees.visits[:, 0]
    return visits / visits.sum(axis=1, keepdims=True)
