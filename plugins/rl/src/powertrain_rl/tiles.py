"""Tile coding: a linear model of observations that are a few numbers (Sutton and Barto 2018, section 9.5.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.nn import Embedding
from powertrain.plugin import Inputs, Model, as_floats, as_rows, check_task, features, param
from powertrain_rl.errors import MakingError

MOST_ROWS = 1 << 20  # of the table; row numbers are exact in float32


class TileCoding(Model):
    """Lay several grids over the observations, each shifted by a part of a tile, and give each tile a row of a table.
    The output is the sum of the rows of the tiles in which an observation lies, one of each grid.

    Nearby observations share most of their tiles, so that what is learned in one place counts around it, and nowhere
    else. The table begins with zeros. An observation outside the bounds counts as one on them.

    Example
        >>> from powertrain_rl.tiles import TileCoding
        >>> TileCoding(inputs=2, outputs=3, params=TileCoding.Params(tilings=4))(pt.ones((5, 2))).shape
        (5, 3)
    """

    strategy = "q-learning"
    example_inputs = (Inputs("regression", (2,), 3),)
    TORCH_FORWARD = """
        def forward(self, x):
            x = x.flatten(1)
            low, high = x.new_tensor(self.low), x.new_tensor(self.high)
            place = ((x - low) / (high - low) * self.tiles).clamp(0, self.tiles)
            tile = torch.floor(place[:, None] + x.new_tensor(self.shifts))
            row = (tile * x.new_tensor(self.strides)).sum(2) + x.new_tensor(self.first)
            return self.table(row.long()).sum(1)
    """

    @dataclass(frozen=True)
    class Params:
        tilings: int = param(8, low=1, high=256, doc="grids, each shifted against the others")
        tiles: int = param(8, low=1, high=256, doc="tiles between the bounds of each number, in each grid")
        low: tuple[float, ...] = param((0.0,), doc="lowest value of each number of an observation, or one for all")
        high: tuple[float, ...] = param((1.0,), doc="highest value of each number of an observation, or one for all")

    def __init__(self, inputs: int, outputs: int, params: Params) -> None:
        super().__init__()
        self.low, self.high = (_for_each(name, getattr(params, name), inputs) for name in ("low", "high"))
        for low, high in zip(self.low, self.high, strict=True):
            if not low < high:
                raise MakingError(
                    f"[tile-coding] low = {low}, high = {high}; expected low below high for each number of an "
                    "observation; swap them, or widen the bounds"
                )
        self.tiles, across = params.tiles, params.tiles + 1  # a shifted grid needs one more tile
        rows = params.tilings * across**inputs
        if rows > MOST_ROWS:
            raise MakingError(
                f"[tile-coding] {params.tilings} tilings of {across} tiles along each of {inputs} axes; expected at "
                f"most {MOST_ROWS:,} tiles in all; lower tiles, or use a network such as rl/q-network"
            )
        # Odd multiples of a fraction of a tile, other ones on each axis: along a diagonal all grids would shift alike.
        shifts = np.arange(params.tilings)[:, None] * (1 + 2 * np.arange(inputs)) % params.tilings / params.tilings
        self.shifts = tuple(tuple(map(float, one)) for one in shifts)
        self.strides = tuple(float(across**axis) for axis in range(inputs))
        self.first = tuple(float(at * across**inputs) for at in range(params.tilings))
        self.table = Embedding(rows, outputs)
        pt.nn.init.zeros_(self.table.weight)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> TileCoding:
        check_task("tile-coding", inputs, "regression")
        return cls(features(inputs), inputs.outputs, params)

    def forward(self, x: Any) -> Any:
        x = as_floats(as_rows(x))
        low, high, shifts, strides, first = (
            pt.tensor(np.array(one, np.float32)) for one in (self.low, self.high, self.shifts, self.strides, self.first)
        )
        place = pt.clip((x - low) / (high - low) * self.tiles, 0, self.tiles)
        tile = pt.floor(place[:, None] + shifts)
        row = pt.sum(tile * strides, axis=2) + first
        return pt.sum(self.table(pt.astype(row, "int64")), axis=1)


def _for_each(name: str, values: tuple[float, ...], count: int) -> tuple[float, ...]:
    if len(values) not in (1, count):
        raise MakingError(
            f"[tile-coding] {name} has {len(values)} values for observations of {count} numbers; expected one value, "
            "or one for each number; look at the environment's observation"
        )
    return tuple(map(float, values)) * (count if len(values) == 1 else 1)
