"""A data set: rows of numbers and their classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from powertrain.data import ArrayDataset, DataModule
from powertrain.plugin import Data, param


class Rings(Data):
    """Points in the plane; the class is the ring that a point lies in."""

    @dataclass(frozen=True)
    class Params:
        points: int = param(1000, low=10, doc="how many")
        seed: int = param(0, low=0, doc="which")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        draw = np.random.Generator(np.random.Philox(key=params.seed))
        classes = draw.integers(0, 3, params.points)
        angle, radius = draw.uniform(0, 2 * np.pi, params.points), classes + draw.uniform(0.2, 0.8, params.points)
        x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)
        source = ArrayDataset(x=x, y=classes.astype(np.int64))
        return DataModule("rings", "classification", {"train": source}, 3, ("inner", "middle", "outer"))
