"""Random changes of training sounds: moved, scaled, in noise; times and bands of a spectrogram hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from powertrain.data import DataError, Draw
from powertrain.plugin import Inputs, RandomTransform, param

Fields = dict[str, Any]


def demand_axes(name: str, inputs: Inputs, axes: int, words: str) -> None:
    if len(inputs.shape) != axes:
        raise DataError(
            name, f"examples of shape {list(inputs.shape)}", f"expected {words}", "change its place in the features"
        )


class RandomSound(RandomTransform):
    """A sound moved in time, with silence where nothing was, scaled, and in even noise."""

    @dataclass(frozen=True)
    class Params:
        shift: float = param(0.1, low=0, high=1, doc="most that it moves, as a share of its length")
        volume: float = param(0.5, low=0, below=1, doc="the factor is from 1 - this to 1 + this")
        noise: float = param(0.005, low=0, doc="most of the noise, from -this to this")

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> RandomSound:
        demand_axes("random-sound", inputs, 1, "sounds [samples]; it stands before spectrogram")
        return cls(params)

    def change(self, fields: Fields, draw: Draw) -> Fields:
        x = fields["x"]
        count, length = x.shape
        most = int(self.params.shift * length)
        moves = draw.integers(2 * most + 1, (count,)) - most
        factors = 1 + self.params.volume * draw.uniform((count, 1), -1, 1)
        noises = self.params.noise * draw.uniform((count, 1)) * draw.uniform(x.shape, -1, 1)
        padded = np.pad(x, ((0, 0), (most, most)))
        places = np.arange(length) + (most - moves)[:, None]
        moved = np.take_along_axis(padded, places, axis=1)
        return {**fields, "x": (moved * factors + noises).astype(x.dtype)}


class RandomMask(RandomTransform):
    """A stretch of time and a band of pitch, hidden in each spectrogram (SpecAugment, Park et al. 2019)."""

    @dataclass(frozen=True)
    class Params:
        times: float = param(0.2, low=0, below=1, doc="longest stretch that is hidden, as a share of the time")
        pitches: float = param(0.2, low=0, below=1, doc="widest band, as a share of the bands")

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> RandomMask:
        demand_axes("random-mask", inputs, 2, "spectrograms [frames, bands]; it stands after spectrogram")
        return cls(params)

    def change(self, fields: Fields, draw: Draw) -> Fields:
        x = fields["x"]
        hidden = np.zeros(x.shape, dtype=bool)
        for axis, most in ((1, self.params.times), (2, self.params.pitches)):
            size = x.shape[axis]
            long, at = draw.uniform((2, len(x), 1))
            width = np.floor(long * (int(most * size) + 1))
            start = np.floor(at * (size - width + 1))
            places = np.arange(size)
            inside = (places >= start) & (places < start + width)
            hidden |= inside[:, :, None] if axis == 1 else inside[:, None, :]
        # The mean of the picture, so that hiding tells nothing else.
        mean = x.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
        return {**fields, "x": np.where(hidden, mean, x).astype(x.dtype)}
