"""Cases of max_pool2d; the reference is the maximum over positions of the window (images.positions)."""

from typing import Any

import numpy as np

import powertrain as pt
from images import padded, positions
from kit import Array, Case, normal, spaced, values


def reference(x: Array, window: Any, stride: Any = None, padding: Any = 0) -> Array:
    x = padded(x, padding, -np.inf)
    return np.max([seen for _, _, seen in positions(x, window, window if stride is None else stride)], axis=0)


K = 0
DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
CASES = [
    Case(spaced((2, 6, 6, 3)), window=2),
    Case(spaced((1, 7, 7, 17)), window=2),
    Case(spaced((1, 7, 8, 2)), window=3, stride=2, padding=1),
    Case(spaced((1, 6, 6, 2)), window=(2, 3), stride=(2, 1)),
    Case(spaced((1, 5, 5, 2)), window=3, stride=1),
    Case(spaced((0, 6, 6, 3)), window=2),
    Case(values([[[[1.0], [np.nan]], [[-np.inf], [2.0]]]]), window=2).no_gradient(),
]
ERRORS = [
    (
        Case(normal((4, 4, 3)), window=2),
        pt.ShapeError,
        "[max_pool2d] x is f32[4, 4, 3]; expected [n, h, w, channels]; reshape x",
    ),
    (
        Case(normal((1, 4, 4, 3)), window=5),
        pt.ShapeError,
        "[max_pool2d] x is f32[1, 4, 4, 3], window = (5,); expected a window no larger than the padded image; choose a smaller one",
    ),
    (
        Case(normal((1, 4, 4, 3)), window=17),
        pt.ShapeError,
        "[max_pool2d] x is f32[1, 4, 4, 3], window = (17,); expected a window no larger than the padded image; choose a smaller one",
    ),
]
BENCH = [Case(normal((64, 28, 28, 32)), window=2)]
