"""What board games have in common: rules for many boards at once, lines that win, episodes against an opponent."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin import Environment, param
from powertrain_rl.games.minimax import Minimax

Boards = NDArray[np.int8]  # [boards, rows, columns]: 1 is the player to move, -1 the other, 0 an empty place


class BoardGame(Environment, declares=True):
    """A game in which two players put pieces on a board by turns, and a line of their own wins.

    As an environment it is an episode against an opponent: 1 for a game that is won, 0 for a draw, -1 for one that is
    lost, or given up by a move that the rules forbid. Who begins is drawn. An observation is the board as two planes,
    the pieces of the player to move and those of the other.
    """

    rows: int
    columns: int
    line: int  # pieces in a row that win
    actions: int

    @dataclass(frozen=True)
    class Params:
        opponent: Literal["minimax", "random"] = param("minimax", doc="who plays the other side in an episode")
        depth: int = param(9, low=1, high=42, doc="moves that minimax looks ahead")

    def __init__(self, params: Params) -> None:
        super().__init__(params)
        self.opponent, self.observation = params.opponent, np.zeros((self.rows, self.columns, 2), np.float32)
        self.lines = lines(self.rows, self.columns, self.line)
        self.minimax = Minimax(self, params.depth)
        self.board = self.empty(1)[0]

    @property
    def rival(self) -> str:
        """The opponent in words."""
        return f"minimax, {self.params.depth} moves ahead" if self.opponent == "minimax" else "random moves"

    # The rules, for many boards at once.

    def empty(self, count: int) -> Boards:
        return np.zeros((count, self.rows, self.columns), np.int8)

    @abstractmethod
    def legal(self, boards: Boards) -> NDArray[np.bool_]:
        """[boards, actions]: which moves there are."""

    @abstractmethod
    def put(self, boards: Boards, actions: NDArray[np.int64]) -> Boards:
        """The boards after a move of each, which is legal; still as its player sees them."""

    @abstractmethod
    def mirrored(self, scores: NDArray[Any]) -> NDArray[Any]:
        """Scores of moves, [boards, actions], as they are on boards whose columns stand in the other order."""

    @abstractmethod
    def legal_of(self, x: Any) -> Any:
        """Traced: `legal` of observations."""

    def play(self, boards: Boards, actions: NDArray[np.int64]) -> tuple[Boards, NDArray[np.bool_], NDArray[np.bool_]]:
        """The boards as the next player sees them, whether the move has won, and whether the game is over."""
        after = self.put(boards, actions)
        flat = (after == 1).reshape(len(after), self.rows * self.columns).astype(np.float32)
        won = (flat @ self.lines == self.line).any(axis=1)
        return -after, won, won | (after != 0).all(axis=(1, 2))

    def see(self, boards: Boards) -> NDArray[np.float32]:
        """What a player sees of the boards that it moves on."""
        return np.stack([boards == 1, boards == -1], axis=-1).astype(np.float32)

    # An episode against the opponent.

    def reset(self, seed: int) -> Any:
        self._rng = np.random.Generator(np.random.Philox(key=seed))
        self.board = self.empty(1)[0]
        if self._rng.random() < 0.5:
            self._answer()
        return self.see(self.board[None])[0]

    def step(self, action: Any) -> tuple[Any, float, bool, bool]:
        if not self.legal(self.board[None])[0, action]:
            return self.see(self.board[None])[0], -1.0, True, False
        won, over = self._move(int(action))
        reward = float(won)
        if not over:
            won, over = self._answer()
            reward = -float(won)
        # What follows the end is a board with nobody to move.
        return self.see(self.board[None])[0], reward, over, False

    def _answer(self) -> tuple[bool, bool]:
        legal = self.legal(self.board[None])[0]
        scores = self.minimax(self.board[None])[0] if self.opponent == "minimax" else np.where(legal, 0.0, -np.inf)
        return self._move(int(self._rng.choice(np.flatnonzero(scores == scores.max()))))

    def _move(self, action: int) -> tuple[bool, bool]:
        boards, won, over = self.play(self.board[None], np.array([action]))
        self.board = boards[0]
        return bool(won[0]), bool(over[0])

    def draw(self, axes: Any) -> None:
        for mark, color in ((1, "C0"), (-1, "C1")):
            down, right = np.nonzero(self.board == mark)
            axes.scatter(right, self.rows - 1 - down, s=60, color=color)
        axes.set(xlim=(-0.5, self.columns - 0.5), ylim=(-0.5, self.rows - 0.5), aspect="equal")
        axes.set_xticks(np.arange(0.5, self.columns - 1), labels=[])
        axes.set_yticks(np.arange(0.5, self.rows - 1), labels=[])
        axes.grid(alpha=0.4)


def lines(rows: int, columns: int, length: int) -> NDArray[np.float32]:
    """[places, lines]: 1 where a place is on a line of so many, across, down or aslant."""
    found = []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        for row in range(rows):
            for column in range(columns):
                ends = row + down * (length - 1), column + right * (length - 1)
                if 0 <= ends[0] < rows and 0 <= ends[1] < columns:
                    line = np.zeros((rows, columns), np.float32)
                    for at in range(length):
                        line[row + at * down, column + at * right] = 1
                    found.append(line.reshape(-1))
    return np.stack(found, axis=1)
