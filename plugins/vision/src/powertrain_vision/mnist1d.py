"""MNIST-1D (Greydanus and Kobak 2020, arXiv 2011.14439): ten templates, padded, moved, sheared, in noise; 40 numbers
each. Made here, number for number as the authors' package `mnist1d` 0.0.2 makes it with its own settings."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from powertrain.data import ArrayDataset, DataModule
from powertrain.plugin import Data, param

# The shapes of the digits 0 to 9, as the authors drew them.
TEMPLATES = (
    (5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5),
    (5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5),
    (5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5),
    (5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5),
    (5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5),
    (5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5),
    (5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5),
    (5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5),
)
PADDING = (36, 60)
SCALE = 0.4
MOVES = 48
CORRELATED, INDEPENDENT = 0.25, 2e-2  # deviations of the two noises
SHEAR = 0.75
LENGTH = 40
TRAIN_SHARE = 0.8


class Mnist1d(Data):
    """4,000 training and 1,000 test examples of 40 numbers in 10 classes."""

    @dataclass(frozen=True)
    class Params:
        examples: int = param(5000, low=50, high=1_000_000, doc="training and test examples together")
        seed: int = param(42, low=0, high=2**32 - 1, doc="which; the authors' data have 42")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        x, y = make(params.examples, params.seed)
        cut = int(len(y) * TRAIN_SHARE)
        splits = {
            "train": ArrayDataset(x=x[:cut], y=y[:cut]),
            "test": ArrayDataset(x=x[cut:], y=y[cut:]),
        }
        return DataModule("mnist1d", "classification", splits, 10, tuple("0123456789"))


def make(examples: int, seed: int) -> tuple[Any, Any]:
    """The examples, mean 0 and deviation 1 over all of them, and their classes, shuffled."""
    # The authors' generator, whose numbers NumPy keeps for ever.
    draw = np.random.RandomState(seed)
    shapes = np.array(TEMPLATES, dtype=np.float64)
    shapes -= shapes.mean(axis=1, keepdims=True)
    shapes /= shapes.std(axis=1, keepdims=True)
    shapes = (shapes - shapes[:, :1]) / 6.0
    each = examples // len(shapes)
    x = np.stack([_example(shape, draw) for shape in shapes for _ in range(each)])
    y = np.repeat(np.arange(len(shapes), dtype=np.int64), each)
    order = draw.permutation(len(y))
    x = x[order]
    return ((x - x.mean()) / x.std()).astype(np.float32), y[order]


def _example(shape: Any, draw: Any) -> Any:
    low, high = PADDING
    length = low + int(draw.rand() * (high - low + 1))
    # The template is moved off zero, so that the padding alone is zero.
    x = _stretched(np.concatenate([shape + 1e-8, np.zeros(length)]), len(shape) + high)
    x = x * (1 + SCALE * (draw.rand() - 0.5))
    moved = draw.randint(MOVES)
    x = np.concatenate([x[-moved:], x[:-moved]]) if moved else x
    noise = _smooth(CORRELATED * draw.randn(len(x)))
    x = np.where(x != 0, x, noise)
    x = x + INDEPENDENT * draw.randn(len(x))
    x = x - SHEAR * (draw.rand() - 0.5) * _places(-0.5, 0.5, len(x))
    return _stretched(x, LENGTH)


def _stretched(x: Any, length: int) -> Any:
    return np.interp(_places(0, 1, length), _places(0, 1, len(x)), x)


# What is the same for many examples is computed once: most of the time went into it.
@functools.cache
def _places(first: float, last: float, count: int) -> Any:
    return np.linspace(first, last, count)


@functools.cache
def _filter(deviation: float) -> Any:
    """The weights of a Gaussian filter, cut at four deviations."""
    radius = int(4 * deviation + 0.5)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / deviation) ** 2)
    return weights / weights.sum()


def _smooth(x: Any, deviation: float = 2.0) -> Any:
    """A Gaussian filter, mirrored at the ends."""
    weights = _filter(deviation)
    radius = len(weights) // 2
    return np.convolve(np.concatenate([x[:radius][::-1], x, x[-radius:][::-1]]), weights, mode="valid")
