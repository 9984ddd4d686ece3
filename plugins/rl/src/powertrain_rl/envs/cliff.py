"""A walk along a cliff: Sutton & Barto, example 6.6; rows, rewards and actions as in Gymnasium's CliffWalking."""

from __future__ import annotations

from typing import Any

import numpy as np

import powertrain as pt
from powertrain_rl.envs.limited import Limited

ROWS, COLUMNS = 4, 12
START, GOAL = 36, 47  # the corners of the last row; what is between them is the cliff


class Cliff(Limited):
    """Walk up (0), right (1), down (2) or left (3) from one corner to the other: -1 for each step, -100 and back to the
    start for a fall. An observation is a row with a one at the place."""

    observation = np.zeros(ROWS * COLUMNS, np.float32)
    actions = 4
    draws = 0

    def begin(self, uniform: Any) -> dict[str, Any]:
        return {"place": pt.full((uniform.shape[0],), START, dtype="int64")}

    def see(self, state: Any) -> Any:
        return pt.astype(pt.nn.functional.one_hot(state["place"], ROWS * COLUMNS), "float32")

    def advance(self, state: Any, action: Any) -> tuple[dict[str, Any], Any, Any]:
        row, column = state["place"] // COLUMNS, state["place"] % COLUMNS
        down = pt.astype(action == 2, "int64") - pt.astype(action == 0, "int64")
        right = pt.astype(action == 1, "int64") - pt.astype(action == 3, "int64")
        place = pt.clip(row + down, 0, ROWS - 1) * COLUMNS + pt.clip(column + right, 0, COLUMNS - 1)
        fell = pt.logical_and(place > START, place < GOAL)
        return {"place": pt.where(fell, START, place)}, pt.where(fell, -100.0, -1.0), place == GOAL

    def draw(self, axes: Any) -> None:
        place = self._state["place"].numpy()[0].item()
        axes.axvspan(0.5, COLUMNS - 1.5, 0, 1 / ROWS, color="C3", alpha=0.3)
        axes.plot(COLUMNS - 1, 0, "*", color="C2", markersize=9)
        axes.plot(place % COLUMNS, ROWS - 1 - place // COLUMNS, "o", color="C0", markersize=7)
        axes.set(xlim=(-0.5, COLUMNS - 0.5), ylim=(-0.5, ROWS - 0.5), aspect="equal", xticks=[], yticks=[])
