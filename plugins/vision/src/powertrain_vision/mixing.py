"""Random changes that mix two training pictures and their targets: mixup and cutmix."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from powertrain.data import Draw
from powertrain.plugin import Inputs, RandomTransform, param
from powertrain_vision.changes import Fields, demand_pictures, rectangle
from powertrain_vision.errors import VisionError


@dataclass(frozen=True)
class MixingParams:
    alpha: float = param(0.2, above=0, high=1, doc="parameter of the Beta distribution of shares; 1 draws them evenly")
    share: float = param(1.0, above=0, high=1, doc="share of the examples that are mixed")


def beta(alpha: float, draw: Draw, count: int) -> list[float]:
    """Numbers of Beta(alpha, alpha), by Jöhnk's rejection (1964). Python's own power function, since NumPy's differs in
    the last bit between processors."""
    made: list[float] = []
    while len(made) < count:
        for first, second in draw.uniform((count, 2)).tolist():
            x, y = math.pow(first, 1 / alpha), math.pow(second, 1 / alpha)
            if 0 < x + y <= 1 and len(made) < count:
                made.append(x / (x + y))
    return made


class Mixing(RandomTransform):
    """Each example with another of its batch: classes become shares, numbers are mixed as they are."""

    NAME: ClassVar[str]
    Params: ClassVar[type] = MixingParams

    def __init__(self, params: MixingParams, inputs: Inputs) -> None:
        self.params, self.outputs = params, inputs.outputs
        self.classes = inputs.task == "classification"

    @classmethod
    def build(cls, params: MixingParams, inputs: Inputs) -> Any:
        if inputs.task not in ("classification", "regression"):
            raise VisionError(
                f"[{cls.NAME}] a {inputs.task} task; expected classification or regression, whose targets can be "
                "mixed; leave it out"
            )
        return cls(params, inputs)

    def change(self, fields: Fields, draw: Draw) -> Fields:
        x, y = fields["x"], self._targets(fields["y"])
        count = len(x)
        other = draw.permutation(count)
        mixed = draw.uniform((count,)) < self.params.share
        kept = np.where(mixed, beta(self.params.alpha, draw, count), 1.0)
        x, kept = self.mix(x, x[other], kept, draw)
        share = kept.astype(np.float32).reshape(-1, *[1] * (y.ndim - 1))
        return {**fields, "x": x, "y": y * share + y[other] * (1 - share)}

    def _targets(self, y: Any) -> Any:
        if not self.classes or y.ndim == 2:  # numbers, or shares that another mixing has made
            return y.astype(np.float32, copy=False)
        return (y[:, None] == np.arange(self.outputs)).astype(np.float32)

    @abstractmethod
    def mix(self, x: Any, other: Any, kept: Any, draw: Draw) -> tuple[Any, Any]:
        """x with the others in it, and the share of x that was kept of each."""


class Mixup(Mixing):
    """x and target are weighted means of two examples (Zhang et al. 2018). Works on any arrays."""

    NAME = "mixup"

    def mix(self, x: Any, other: Any, kept: Any, draw: Draw) -> tuple[Any, Any]:
        share = kept.astype(np.float32).reshape(-1, *[1] * (x.ndim - 1))
        return x * share + other * (1 - share), kept


class CutMix(Mixing):
    """A rectangle of another picture is pasted in; the targets are mixed by area (Yun et al. 2019)."""

    NAME = "cutmix"

    @dataclass(frozen=True)
    class Params(MixingParams):
        alpha: float = param(
            1.0, above=0, high=1, doc="parameter of the Beta distribution of areas; 1 draws them evenly"
        )

    @classmethod
    def build(cls, params: MixingParams, inputs: Inputs) -> Any:
        demand_pictures(cls.NAME, inputs)
        return super().build(params, inputs)

    def mix(self, x: Any, other: Any, kept: Any, draw: Draw) -> tuple[Any, Any]:
        out, kept = x.copy(), kept.copy()
        places = draw.uniform((len(x), 2)).tolist()
        pixels = x.shape[1] * x.shape[2]
        for row in np.flatnonzero(kept < 1):
            top, left, height, width = rectangle(x.shape[1:3], 1 - float(kept[row]), 1.0, *places[row])
            out[row, top : top + height, left : left + width] = other[row, top : top + height, left : left + width]
            kept[row] = 1 - height * width / pixels
        return out, kept
