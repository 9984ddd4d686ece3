"""Random changes of training pictures, one example at a time: crop, flip, colour, erasing.

They work on NumPy batches [n, height, width] or [n, height, width, channels] of bytes or floats, and keep the dtype.
Every random number comes from the `draw` of the call, so a resumed run changes its pictures as an undisturbed one does.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from powertrain.data import Draw
from powertrain.plugin import Inputs, RandomTransform, param
from powertrain_vision.errors import VisionError

Fields = dict[str, Any]


def demand_pictures(name: str, inputs: Inputs) -> None:
    if len(inputs.shape) not in (2, 3):
        raise VisionError(
            f"[{name}] examples of shape {list(inputs.shape)}; expected pictures [height, width] or [height, width, "
            "channels]; put it before what flattens them, or leave it out"
        )


class RandomChange(RandomTransform):
    """What they share: built without fitting, from parameters alone."""

    NAME: ClassVar[str]

    def __init__(self, params: Any) -> None:
        self.params = params

    @classmethod
    def build(cls, params: Any, inputs: Inputs) -> Any:
        demand_pictures(cls.NAME, inputs)
        return cls(params)

    def change(self, fields: Fields, draw: Draw) -> Fields:
        return {**fields, "x": self.altered(fields["x"], draw)}

    @abstractmethod
    def altered(self, x: Any, draw: Draw) -> Any:
        """The pictures, changed."""


class PartChange(RandomChange):
    """One that leaves most pixels as they are."""

    def altered(self, x: Any, draw: Draw) -> Any:
        out = x.copy()
        self.alter(out, draw)
        return out

    def overwrite(self, fields: Fields, draw: Draw) -> Fields:
        self.alter(fields["x"], draw)
        return fields

    @abstractmethod
    def alter(self, x: Any, draw: Draw) -> None:
        """Change the pictures where they are."""


class RandomCrop(RandomChange):
    """A picture moved by up to `padding` pixels each way; what comes in is 0 or mirrored."""

    NAME = "random-crop"

    @dataclass(frozen=True)
    class Params:
        padding: int = param(2, low=1, high=64, doc="pixels that a picture may move each way", usual="4 for 32 x 32")
        fill: str = param("zero", choices=("zero", "mirror"), doc="what stands outside of the picture")

    def altered(self, x: Any, draw: Draw) -> Any:
        count, height, width = x.shape[:3]
        padding = min(self.params.padding, height - 1, width - 1)
        around = [(0, 0), (padding, padding), (padding, padding), *[(0, 0)] * (x.ndim - 3)]
        larger = np.pad(x, around, mode="reflect" if self.params.fill == "mirror" else "constant")
        down, right = draw.integers(2 * padding + 1, (2, count))
        windows = np.lib.stride_tricks.sliding_window_view(larger, (height, width), axis=(1, 2))
        moved = windows[np.arange(count), down, right]
        return np.ascontiguousarray(np.moveaxis(moved, 1, -1) if x.ndim == 4 else moved)


class RandomFlip(PartChange):
    """Left and right exchanged in a share of the pictures."""

    NAME = "random-flip"

    @dataclass(frozen=True)
    class Params:
        share: float = param(0.5, above=0, high=1, doc="share of the pictures that are flipped")

    def alter(self, x: Any, draw: Draw) -> None:
        flipped = draw.uniform((len(x),)) < self.params.share
        # A pixel's channels as one thing: moved one by one they take twice as long.
        whole = x.ndim == 4 and x.strides[-2:] == (x.shape[-1] * x.itemsize, x.itemsize)
        pixels = x.view(f"V{x.itemsize * x.shape[-1]}") if whole else x
        pixels[flipped] = pixels[flipped][:, :, ::-1]


class ColourJitter(RandomChange):
    """Brightness, contrast and, of three channels, saturation, each by a factor of its own near 1.

    Bytes are rounded and stay from 0 to 255; floats are not cut, since their range is not known.
    """

    NAME = "colour-jitter"
    GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # weights of red, green and blue (ITU-R BT.601)

    @dataclass(frozen=True)
    class Params:
        brightness: float = param(0.2, low=0, below=1, doc="the factor is from 1 - this to 1 + this")
        contrast: float = param(0.2, low=0, below=1, doc="likewise, around the mean of the picture")
        saturation: float = param(0.2, low=0, below=1, doc="likewise, around the grey of each pixel")

    def altered(self, x: Any, draw: Draw) -> Any:
        factors = draw.uniform((3, len(x)), -1.0, 1.0).astype(np.float32)
        brightness, contrast, saturation = (
            (1 + factor * size).reshape(-1, *[1] * (x.ndim - 1))
            for factor, size in zip(
                factors, (self.params.brightness, self.params.contrast, self.params.saturation), strict=True
            )
        )
        out = x.astype(np.float32) * brightness
        mean = out.mean(axis=tuple(range(1, x.ndim)), keepdims=True, dtype=np.float64).astype(np.float32)
        out = (out - mean) * contrast + mean
        if x.ndim == 4 and x.shape[-1] == 3:
            grey = np.sum(out * self.GREY, axis=-1, keepdims=True)
            out = (out - grey) * saturation + grey
        if x.dtype.kind in "iu":
            limits = np.iinfo(x.dtype)
            out = np.clip(np.rint(out), limits.min, limits.max)
        return out.astype(x.dtype)


class RandomErasing(PartChange):
    """A rectangle of a share of the pictures is filled with the picture's mean (Zhong et al. 2020)."""

    NAME = "random-erasing"
    ASPECT = 3.3  # the longest side is at most so many times the other, as in the paper

    @dataclass(frozen=True)
    class Params:
        share: float = param(0.5, above=0, high=1, doc="share of the pictures that lose a rectangle")
        least: float = param(0.02, above=0, below=1, doc="smallest area of the rectangle, as a share of the picture")
        most: float = param(0.2, above=0, below=1, doc="largest area")

        def __post_init__(self) -> None:
            if self.least > self.most:
                raise ValueError(f"least = {self.least:g}, most = {self.most:g}; expected least <= most; swap them")

    def alter(self, x: Any, draw: Draw) -> None:
        chance, area, aspect, down, right = draw.uniform((5, len(x)))
        for row in np.flatnonzero(chance < self.params.share):
            share = self.params.least + (self.params.most - self.params.least) * float(area[row])
            longer = math.exp((2 * float(aspect[row]) - 1) * math.log(self.ASPECT))
            top, left, height, width = rectangle(x.shape[1:3], share, longer, float(down[row]), float(right[row]))
            mean = x[row].mean(axis=(0, 1), dtype=np.float64)
            x[row, top : top + height, left : left + width] = np.rint(mean) if x.dtype.kind in "iu" else mean


def rectangle(
    size: tuple[int, int], share: float, aspect: float, down: float, right: float
) -> tuple[int, int, int, int]:
    """A rectangle of about that share of a picture: top, left, height, width. `aspect` is height by width, and `down`
    and `right` say from 0 to 1 where it lies."""
    height = min(size[0], max(1, round(math.sqrt(share * aspect) * size[0])))
    width = min(size[1], max(1, round(math.sqrt(share / aspect) * size[1])))
    return int(down * (size[0] - height + 1)), int(right * (size[1] - width + 1)), height, width
