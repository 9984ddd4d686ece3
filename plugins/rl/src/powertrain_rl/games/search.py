"""Monte Carlo tree search, guided by a network: Silver et al. 2017. The trees of many games grow side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from powertrain_rl.games.board import BoardGame, Boards

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
# Of boards: how likely each move is, [boards, actions], and what the board is worth to who moves, [boards].
Judge = Callable[["Boards"], tuple[Floats, Floats]]


class Trees:
    """A tree for each board. A node is a board; an edge is a move from it, and knows how often it was gone, and what
    came of that, as the player who makes the move sees it.

    The nodes of all trees stand in one table, so that a step of all games is one operation of NumPy.
    """

    def __init__(self, game: BoardGame, judge: Judge, boards: Boards, size: int, explore: float) -> None:
        self.game, self.judge, self.explore, count = game, judge, explore, len(boards)
        nodes = count * size
        self.boards = np.zeros((nodes, *boards.shape[1:]), np.int8)
        self.prior, self.visits, self.total = (np.zeros((nodes, game.actions)) for _ in range(3))
        self.child = np.full((nodes, game.actions), -1)
        self.over, self.result = np.zeros(nodes, bool), np.zeros(nodes)
        self.roots = np.arange(count) * size
        self.free = self.roots + 1  # the next node of each tree
        self.boards[self.roots] = boards
        self.prior[self.roots], _ = self._judged(boards)

    def _judged(self, boards: Boards) -> tuple[Floats, Floats]:
        chances, values = self.judge(boards)
        chances = np.where(self.game.legal(boards), chances + 1e-9, 0.0)
        return chances / np.maximum(chances.sum(axis=1, keepdims=True), 1e-30), values

    def stir(self, noise: Floats, share: float) -> None:
        """Mix random numbers into what is tried first at the roots, so that self-play sees more than it expects."""
        noise = np.where(self.game.legal(self.boards[self.roots]), noise, 0.0)
        mixed = (1 - share) * self.prior[self.roots] + share * noise / noise.sum(axis=1, keepdims=True)
        self.prior[self.roots] = mixed

    def simulate(self) -> None:
        """Go down each tree to a move that was not made yet, judge the board behind it, and tell it to all above."""
        at, before, moved = self.roots.copy(), self.roots.copy(), np.zeros(len(self.roots), np.int64)
        path, going = [], np.arange(len(self.roots))
        while len(going):
            nodes = at[going]
            moves = self._promising(nodes)
            path.append((going, nodes, moves))
            before[going], moved[going] = nodes, moves
            at[going] = following = self.child[nodes, moves]
            going = going[(following >= 0) & ~self.over[following]]
        new = np.flatnonzero(at < 0)
        at[new] = self._grown(new, before[new], moved[new])
        values = self.result[at]
        open_ends = new[~self.over[at[new]]]
        if len(open_ends):
            self.prior[at[open_ends]], values[open_ends] = self._judged(self.boards[at[open_ends]])
        for going, nodes, moves in reversed(path):
            values[going] = -values[going]
            self.visits[nodes, moves] += 1
            self.total[nodes, moves] += values[going]

    def _promising(self, nodes: Whole) -> Whole:
        """The move of each node with the best mean so far, and something for those that were tried less than they
        should be."""
        prior, visits = self.prior[nodes], self.visits[nodes]
        mean = self.total[nodes] / np.maximum(visits, 1)
        wished = self.explore * prior * np.sqrt(visits.sum(axis=1, keepdims=True) + 1) / (1 + visits)
        return np.where(prior > 0, mean + wished, -np.inf).argmax(axis=1)

    def _grown(self, trees: Whole, nodes: Whole, moves: Whole) -> Whole:
        """A node for each move that is made for the first time, of some trees."""
        made = self.free[trees]
        self.boards[made], won, self.over[made] = self.game.play(self.boards[nodes], moves)
        self.result[made] = -won.astype(np.float64)  # the player who moves next has lost
        self.child[nodes, moves] = made
        self.free[trees] += 1
        return made


def blind(game: BoardGame) -> Judge:
    """A judge that knows the rules alone: all moves are as likely, and all boards worth nothing."""
    return lambda boards: (np.ones((len(boards), game.actions)), np.zeros(len(boards)))


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
    visits = trees.visits[trees.roots]
    return visits / visits.sum(axis=1, keepdims=True)
