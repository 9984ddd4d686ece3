"""Cases of max_pool2d; the reference is the maximum over all places of the window, in NumPy."""

from typing import Any

import numpy as np

import powertrain as pt
from kit import Array, Case, normal, spaced, values
from windows import maximum


def reference(x: Array, **settings: Any) -> Array:
    return maximum(2, x, **settings)


K = 0
DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
CASES = [
    Case(spaced((2, 6, 6, 3)), kernel_size=2),
    Case(spaced((1, 7, 7, 17)), kernel_size=2),
    Case(spaced((1, 7, 8, 2)), kernel_size=3, stride=2, padding=1),
    Case(spaced((1, 6, 6, 2)), kernel_size=(2, 3), stride=(2, 1)),
    Case(spaced((1, 5, 5, 2)), kernel_size=3, stride=1),
    Case(spaced((0, 6, 6, 3)), kernel_size=2),
    Case(spaced((2, 9, 8, 3)), kernel_size=3, stride=2, dilation=2),
    Case(spaced((1, 9, 10, 17)), kernel_size=(2, 3), stride=1, padding=1, dilation=(3, 2)),
    Case(spaced((1, 6, 7, 3)), kernel_size=3, stride=2, ceil_mode=True),
    Case(spaced((1, 6, 5, 2)), kernel_size=(2, 3), stride=(3, 2), padding=1, ceil_mode=True),
    Case(spaced((1, 2, 8, 2)), kernel_size=3, stride=2, dilation=(1, 2), ceil_mode=True),
    Case(values([[[[1.0], [np.nan]], [[-np.inf], [2.0]]]]), kernel_size=2).no_gradient(),
]
ERRORS = [
    (
        Case(normal((4, 4, 3)), kernel_size=2),
        pt.ShapeError,
        "[max_pool2d] input is f32[4, 4, 3]; expected [n, h, w, channels]; reshape input",
    ),
    (
        Case(normal((1, 4, 4, 3)), kernel_size=5),
        pt.ShapeError,
        "[max_pool2d] input is f32[1, 4, 4, 3], kernel_size = (5,); expected a window no larger than the padded image; choose a smaller one",
    ),
    (
        Case(normal((1, 4, 4, 3)), kernel_size=17),
        pt.ShapeError,
        "[max_pool2d] input is f32[1, 4, 4, 3], kernel_size = (17,); expected a window no larger than the padded image; choose a smaller one",
    ),
    (
        Case(normal((1, 1, 4, 3)), kernel_size=2, padding=1, dilation=2),
        pt.ShapeError,
        "[max_pool2d] input is f32[1, 1, 4, 3], kernel_size = (2,), padding = (1,); expected windows that hold a pixel each; choose a smaller dilation or padding",
    ),
]
BENCH = [Case(normal((64, 28, 28, 32)), kernel_size=2)]
