"""A player that looks some moves ahead, at all of them: for small games a perfect one, for others a measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from powertrain_rl.games.board import BoardGame, Boards

KEEP = 0.99  # what an end is worth one move later, so that a win comes soon and a loss late
KEPT = 1 << 14  # boards whose answers are kept: some megabytes


class Minimax:
    """What each move is worth if both play as well as they can see: 1 wins at once, -1 loses at once, and 0 is a draw,
    or further away than it looks."""

    def __init__(self, game: BoardGame, depth: int) -> None:
        self._game, self._depth = game, depth
        self._known: dict[bytes, NDArray[np.float64]] = {}

    def __call__(self, boards: Boards) -> NDArray[np.float64]:
        """[boards, actions]; -inf for a move that there is not. Games begin alike, so answers are kept."""
        names = [board.tobytes() for board in boards]
        if len(self._known) + len(names) > KEPT:
            self._known.clear()
        new = [at for at, name in enumerate(names) if name not in self._known]
        if new:
            self._known.update(zip((names[at] for at in new), self._worth(boards[new], self._depth), strict=True))
        return np.array([self._known[name] for name in names]).reshape(len(names), self._game.actions)

    def _worth(self, boards: Boards, depth: int) -> NDArray[np.float64]:
        # Many ways lead to the same board, which is looked at once: rows are compared as their bytes.
        rows_of_bytes = np.ascontiguousarray(boards.reshape(len(boards), -1)).view(f"S{boards[0].size}")
        _, first, back = np.unique(rows_of_bytes, return_index=True, return_inverse=True)
        kinds = boards[first]
        rows, moves = np.nonzero(self._game.legal(kinds))
        after, won, over = self._game.play(kinds[rows], moves)
        values = won.astype(np.float64)
        goes_on = np.flatnonzero(~over)
        if depth > 1 and len(goes_on):
            values[goes_on] = -KEEP * self._worth(after[goes_on], depth - 1).max(axis=1)
        found = np.full((len(kinds), self._game.actions), -np.inf)
        found[rows, moves] = values
        return found[back.reshape(-1)]
