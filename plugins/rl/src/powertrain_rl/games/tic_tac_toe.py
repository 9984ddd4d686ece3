"""Three in a row on a board of nine places."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain_rl.games.board import BoardGame, Boards


class TicTacToe(BoardGame):
    """Put a piece on one of nine places; three in a row win. Between two players without a fault it is a draw."""

    rows, columns, line, actions = 3, 3, 3, 9

    def legal(self, boards: Boards) -> NDArray[np.bool_]:
        return (boards == 0).reshape(len(boards), 9)

    def put(self, boards: Boards, actions: NDArray[np.int64]) -> Boards:
        after = boards.reshape(len(boards), 9).copy()
        after[np.arange(len(after)), actions] = 1
        return after.reshape(boards.shape)

    def mirrored(self, scores: NDArray[Any]) -> NDArray[Any]:
        return scores.reshape(-1, 3, 3)[:, :, ::-1].reshape(-1, 9)

    def legal_of(self, x: Any) -> Any:
        return pt.reshape(pt.sum(x, axis=-1), (x.shape[0], 9)) == 0
