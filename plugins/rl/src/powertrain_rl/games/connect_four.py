"""Four in a row on a board of seven columns, in which pieces fall down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.plugin import param
from powertrain_rl.games.board import BoardGame, Boards


class ConnectFour(BoardGame):
    """Let a piece fall into one of seven columns of six places; four in a row win. Who begins could always win (Allen
    1988, Allis 1988)."""

    rows, columns, line, actions = 6, 7, 4, 7

    @dataclass(frozen=True)
    class Params(BoardGame.Params):
        depth: int = param(4, low=1, high=42, doc="moves that minimax looks ahead; each takes up to 7 times as long")

    def legal(self, boards: Boards) -> NDArray[np.bool_]:
        return boards[:, 0] == 0

    def put(self, boards: Boards, actions: NDArray[np.int64]) -> Boards:
        at = np.arange(len(boards))
        lowest = (boards[at, :, actions] == 0).sum(axis=1) - 1
        after = boards.copy()
        after[at, lowest, actions] = 1
        return after

    def mirrored(self, scores: NDArray[Any]) -> NDArray[Any]:
        return scores[:, ::-1]

    def legal_of(self, x: Any) -> Any:
        return pt.sum(x[:, 0], axis=-1) == 0
