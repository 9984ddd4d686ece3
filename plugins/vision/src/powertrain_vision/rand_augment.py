"""RandAugment: each picture changed by some kinds of change, drawn from fourteen, all of one magnitude."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from powertrain.data import Draw
from powertrain.plugin import Inputs, param
from powertrain_vision import pixel_ops
from powertrain_vision.changes import RandomChange
from powertrain_vision.errors import VisionError

MOST = 30.0  # the largest magnitude


class Kind(NamedTuple):
    """A kind of change: what does it, its strength by the magnitude from 0 to 1 and the size, and whether it has two
    directions, of which one is drawn."""

    change: Callable[[Any, Any], Any]
    strength: Callable[[float, tuple[int, int]], float]
    signed: bool = False
    around: float = 0.0  # what the signed strength is added to


def _factor(magnitude: float, size: tuple[int, int]) -> float:
    return 0.9 * magnitude


# With the ranges of torchvision's RandAugment, whose pages follow those of the paper.
KINDS: dict[str, Kind] = {
    "identity": Kind(lambda x, _: x, lambda m, size: 0.0),
    "shear-x": Kind(pixel_ops.shear_x, lambda m, size: 0.3 * m, True),
    "shear-y": Kind(pixel_ops.shear_y, lambda m, size: 0.3 * m, True),
    "translate-x": Kind(pixel_ops.translate_x, lambda m, size: float(int(150 / 331 * size[1] * m)), True),
    "translate-y": Kind(pixel_ops.translate_y, lambda m, size: float(int(150 / 331 * size[0] * m)), True),
    "rotate": Kind(pixel_ops.rotate, lambda m, size: 30.0 * m, True),
    "brightness": Kind(pixel_ops.brightness, _factor, True, 1.0),
    "colour": Kind(pixel_ops.colour, _factor, True, 1.0),
    "contrast": Kind(pixel_ops.contrast, _factor, True, 1.0),
    "sharpness": Kind(pixel_ops.sharpness, _factor, True, 1.0),
    "posterize": Kind(pixel_ops.posterize, lambda m, size: 8.0 - round(4 * m)),
    "solarize": Kind(pixel_ops.solarize, lambda m, size: 255.0 * (1 - m)),
    "autocontrast": Kind(pixel_ops.autocontrast, lambda m, size: 0.0),
    "equalize": Kind(pixel_ops.equalize, lambda m, size: 0.0),
}


class RandAugment(RandomChange):
    """Each picture by `num_ops` kinds of change, one after the other, drawn anew (Cubuk et al. 2020).

    Pixels are bytes, or numbers from 0 to 1, which are rounded to 255ths on the way.
    """

    NAME = "rand-augment"

    @dataclass(frozen=True)
    class Params:
        num_ops: int = param(2, low=1, high=14, doc="changes of each picture, one after the other")
        magnitude: float = param(
            9.0, low=0, high=MOST, doc="how far they go: 0 hardly, 30 far", usual="9; 5 for 32 x 32"
        )

    @classmethod
    def build(cls, params: Any, inputs: Inputs) -> Any:
        made = super().build(params, inputs)
        channels = inputs.shape[2] if len(inputs.shape) == 3 else 1
        if channels not in (1, 3) or inputs.dtype not in ("uint8", "float32"):
            raise VisionError(
                f"[{cls.NAME}] pixels of {inputs.dtype} in {channels} channels; expected uint8, or float32 from 0 to "
                "1, in 1 or 3 channels; put it before what changes them, or leave it out"
            )
        return made

    def altered(self, x: Any, draw: Draw) -> Any:
        bytes_ = x if x.dtype == np.uint8 else self._bytes(x)
        pictures = bytes_ if x.ndim == 4 else bytes_[..., None]
        for _ in range(self.params.num_ops):
            kinds = draw.integers(len(KINDS), (len(x),))
            signs = np.where(draw.uniform((len(x),)) < 0.5, -1.0, 1.0)
            pictures = self._round(pictures, kinds, signs)
        made = pictures.reshape(x.shape)
        return made if x.dtype == np.uint8 else made.astype(np.float32) / np.float32(255)

    def _round(self, x: Any, kinds: Any, signs: Any) -> Any:
        """Each picture by its kind."""
        out = np.empty_like(x)
        for number, kind in enumerate(KINDS.values()):
            rows = np.flatnonzero(kinds == number)
            if len(rows):
                strength = kind.strength(self.params.magnitude / MOST, x.shape[1:3])
                strengths = kind.around + strength * (signs[rows] if kind.signed else np.ones(len(rows)))
                out[rows] = kind.change(x[rows], strengths)
        return out

    def _bytes(self, x: Any) -> Any:
        if x.size and not (x.min() >= 0 and x.max() <= 1):
            raise VisionError(
                f"[{self.NAME}] pixels from {x.min():g} to {x.max():g}; expected bytes, or numbers from 0 to 1; put it "
                "before what moves or scales them"
            )
        return np.rint(x * np.float32(255)).astype(np.uint8)
