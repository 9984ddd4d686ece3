"""A ball that breaks bricks, on ten by ten places, by the rules of MinAtar's Breakout (Young & Tian 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.plugin import param
from powertrain_rl.envs.limited import Limited

SIDE, TOP, BOTTOM, START = 10, 1, 4, 3  # bricks are in rows 1 to 3; the ball begins in row 3
WALL = np.repeat([TOP <= row < BOTTOM for row in range(SIDE)], SIDE).astype(np.float32)


class Breakout(Limited):
    """Stay (0), or move a paddle left (1) or right (2), so that the ball does not pass it: 1 for each brick that it
    breaks. Where all are broken, others come. The ball moves aslant, and passes the brick behind one that it broke.

    An observation has four planes: the paddle, the ball, where the ball was before, and the bricks. MinAtar repeats one
    action in ten by chance; here each is the one that was chosen.
    """

    observation = np.zeros((SIDE, SIDE, 4), np.float32)
    actions = 3
    draws = 1

    @dataclass(frozen=True)
    class Params(Limited.Params):
        longest: int = param(1_000, low=1, doc="steps after which an episode is cut short")

    def begin(self, uniform: Any) -> dict[str, Any]:
        left = uniform[:, 0] < 0.5
        x = pt.where(left, 0, SIDE - 1)
        rows, ones = x.shape[0], pt.ones_like(x)
        return {
            "paddle": 4 * ones, "x": x, "y": START * ones, "right": pt.where(left, 1, -1), "down": ones,
            "before": START * SIDE + x, "passing": uniform[:, 0] < 0,
            "bricks": pt.broadcast_to(pt.tensor(WALL), (rows, SIDE * SIDE)),
        }  # fmt: skip

    def see(self, state: Any) -> Any:
        places = (SIDE * (SIDE - 1) + state["paddle"], SIDE * state["y"] + state["x"], state["before"])
        planes = [*(pt.astype(pt.nn.functional.one_hot(at, SIDE * SIDE), "float32") for at in places), state["bricks"]]
        return pt.reshape(pt.stack(planes, axis=-1), (-1, SIDE, SIDE, 4))

    def advance(self, state: Any, action: Any) -> tuple[dict[str, Any], Any, Any]:
        moved = pt.where(action == 2, 1, pt.where(action == 1, -1, 0))
        paddle = pt.clip(state["paddle"] + moved, 0, SIDE - 1)
        x, y, right, down = state["x"] + state["right"], state["y"] + state["down"], state["right"], state["down"]
        right = pt.where(pt.logical_or(x < 0, x >= SIDE), -right, right)
        x, above = pt.clip(x, 0, SIDE - 1), y < 0
        y = pt.maximum(y, 0)
        bricks, at = state["bricks"], SIDE * y + x
        there = pt.logical_and(pt.take_along_axis(bricks, at[:, None], axis=1)[:, 0] > 0, pt.logical_not(above))
        broken = pt.logical_and(there, pt.logical_not(state["passing"]))
        low = y == SIDE - 1
        under = pt.logical_and(low, state["x"] == paddle)  # it comes back the other way up
        aside = pt.logical_and(pt.logical_and(low, pt.logical_not(under)), x == paddle)  # it comes back the way it came
        back = pt.logical_or(pt.logical_or(broken, under), aside)
        hole = pt.astype(pt.nn.functional.one_hot(at, SIDE * SIDE), "float32") * pt.astype(broken, "float32")[:, None]
        empty = pt.logical_and(low, pt.sum(bricks, axis=1) == 0)
        after = {
            "paddle": paddle,
            "x": x,
            "y": pt.where(back, state["y"], y),
            "right": pt.where(aside, -right, right),
            "down": pt.where(pt.logical_or(back, above), -down, down),
            "before": SIDE * state["y"] + state["x"],
            "passing": there,
            "bricks": pt.where(empty[:, None], pt.tensor(WALL), bricks - hole),
        }
        lost = pt.logical_and(low, pt.logical_not(pt.logical_or(under, aside)))
        return after, pt.astype(broken, "float32"), lost

    def draw(self, axes: Any) -> None:
        picture = self.see(self._state).numpy()[0] @ np.array([4, 3, 2, 1], np.float32)
        axes.imshow(picture, cmap="magma", vmin=0, vmax=4)
        axes.axis("off")
