"""Snake: a body that grows by what it eats, on a field with walls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.plugin import param
from powertrain_rl.envs.limited import Limited

STEPS = ((-1, 0), (0, 1), (1, 0), (0, -1))  # up, right, down, left
FIRST = 2  # places of the body at first
GOLDEN = 0.618033988749895  # its multiples fill [0, 1) evenly, so that food comes anywhere


class Snake(Limited):
    """Move up (0), right (1), down (2) or left (3): 1 for each piece of food, -1 for a wall or its own body. A body
    has as many places as it has eaten, and two more.

    An observation has three planes: the head, the body, larger where it is newer, and the food.
    """

    actions = 4
    draws = 3

    @dataclass(frozen=True)
    class Params(Limited.Params):
        side: int = param(6, low=4, high=32, doc="places in a row of the field")
        longest: int = param(500, low=1, doc="steps after which an episode is cut short")

    def __init__(self, params: Params) -> None:
        super().__init__(params)
        self.side = params.side
        self.observation = np.zeros((self.side, self.side, 3), np.float32)

    def begin(self, uniform: Any) -> dict[str, Any]:
        # The head in the inner places, so that the body behind it is on the field.
        row, column = (pt.astype(1 + pt.floor(uniform[:, at] * (self.side - 2)), "int64") for at in (0, 1))
        head = row * self.side + column
        age = FIRST * self._one(head) + self._one(head - 1)
        return {"head": head, "age": age, "length": pt.full(head.shape, FIRST, dtype="int64"), "chance": uniform[:, 2],
                "food": self._free(age, uniform[:, 2])}  # fmt: skip

    def _one(self, place: Any) -> Any:
        return pt.nn.functional.one_hot(place, self.side * self.side)

    def _free(self, age: Any, chance: Any) -> Any:
        """A place without a body, by a number in [0, 1)."""
        counted = pt.cumulative_sum(pt.astype(age == 0, "int64"), axis=1)
        wanted = pt.astype(pt.floor(chance * pt.astype(counted[:, -1], "float32")), "int64")
        return pt.argmax(pt.astype(counted > wanted[:, None], "int64"), axis=1)

    def see(self, state: Any) -> Any:
        length = pt.astype(state["length"], "float32")[:, None]
        planes = [self._one(state["head"]), pt.astype(state["age"], "float32") / length, self._one(state["food"])]
        stacked = pt.stack([pt.astype(plane, "float32") for plane in planes], axis=-1)
        return pt.reshape(stacked, (-1, self.side, self.side, 3))

    def advance(self, state: Any, action: Any) -> tuple[dict[str, Any], Any, Any]:
        down, right = (pt.take(pt.tensor(np.array(STEPS)[:, at]), action) for at in (0, 1))
        row, column = state["head"] // self.side + down, state["head"] % self.side + right
        outside = pt.logical_or(pt.minimum(row, column) < 0, pt.maximum(row, column) >= self.side)
        head = pt.clip(row, 0, self.side - 1) * self.side + pt.clip(column, 0, self.side - 1)
        eaten = pt.logical_and(head == state["food"], pt.logical_not(outside))
        grown = pt.astype(eaten, "int64")
        age = pt.maximum(state["age"] - (1 - grown)[:, None], 0)  # the last place is left, but where it grows
        bitten = pt.take_along_axis(age, head[:, None], axis=1)[:, 0] > 0
        length = state["length"] + grown
        age = pt.where(self._one(head) > 0, length[:, None], age)
        chance = state["chance"] + GOLDEN
        chance = pt.where(eaten, chance - pt.floor(chance), state["chance"])
        full = pt.min(age, axis=1) > 0
        dead = pt.logical_or(outside, bitten)
        after = {"head": head, "age": age, "length": length, "chance": chance,
                 "food": pt.where(eaten, self._free(age, chance), state["food"])}  # fmt: skip
        return after, pt.where(dead, -1.0, pt.astype(eaten, "float32")), pt.logical_or(dead, full)

    def draw(self, axes: Any) -> None:
        head, body, food = np.moveaxis(self.see(self._state).numpy()[0], -1, 0)
        axes.imshow(body + head, cmap="Greens", vmin=0, vmax=2)
        down, right = np.nonzero(food)
        axes.plot(right, down, "o", color="C3", markersize=5)
        axes.set(xticks=[], yticks=[])
