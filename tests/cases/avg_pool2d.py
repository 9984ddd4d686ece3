"""Cases of avg_pool2d; the reference is the mean over images.positions, padding counted as zeros or not at all."""

from typing import Any

import numpy as np

import powertrain as pt
from images import padded, pair, positions
from kit import Array, Case, normal


def reference(x: Array, window: Any, stride: Any = None, padding: Any = 0, count_padding: bool = True) -> Array:
    stride = window if stride is None else stride

    def total(image: Array) -> Array:
        return np.sum([seen for _, _, seen in positions(padded(image, padding), window, stride)], axis=0)

    return total(x) / (np.prod(pair(window)) if count_padding else total(np.ones_like(x)))


def magnitude(x: Array, **rest: Any) -> Array:
    return reference(np.abs(x), **rest)


K = 8
CASES = [
    Case(normal((2, 6, 6, 3)), window=2),
    Case(normal((1, 7, 7, 17)), window=2),
    Case(normal((1, 7, 8, 2)), window=3, stride=2, padding=1),
    Case(normal((1, 6, 6, 2)), window=(2, 3), stride=(2, 1)),
    Case(normal((1, 5, 5, 2)), window=3, stride=1),
    Case(normal((1, 7, 8, 2)), window=3, stride=2, padding=1, count_padding=False),
    Case(normal((0, 6, 6, 3)), window=2),
]
ERRORS = [
    (
        Case(normal((1, 4, 4, 3)), window=2, padding=2),
        pt.ShapeError,
        "[avg_pool2d] padding = (2,), window = (2,); expected at most half the window, so that no window lies in the padding alone; use pad",
    ),
]
BENCH = [Case(normal((64, 28, 28, 32)), window=2)]
