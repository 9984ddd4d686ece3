"""Cases of avg_pool3d; the reference is the mean over all places of the window, in NumPy."""

from typing import Any

import numpy as np

import powertrain as pt
from kit import Array, Case, normal
from windows import average


def reference(x: Array, **settings: Any) -> Array:
    return average(3, x, **settings)


def magnitude(x: Array, **rest: Any) -> Array:
    return reference(np.abs(x), **rest)


K = 8
CASES = [
    Case(normal((2, 4, 6, 4, 3)), kernel_size=2),
    Case(normal((1, 5, 4, 4, 2)), kernel_size=(2, 3, 2), stride=1),
    Case(normal((1, 4, 5, 6, 2)), kernel_size=(2, 3, 2), stride=2, padding=(1, 1, 0)),
    Case(normal((1, 4, 5, 6, 2)), kernel_size=(2, 3, 2), stride=2, padding=(1, 1, 0), count_include_pad=False),
    Case(normal((1, 7, 5, 6, 2)), kernel_size=3, stride=2, padding=1, ceil_mode=True),
    Case(normal((1, 7, 5, 6, 2)), kernel_size=3, stride=2, padding=1, count_include_pad=False, ceil_mode=True),
    Case(normal((1, 7, 5, 6, 2)), kernel_size=2, stride=3, ceil_mode=True),
]
ERRORS = [
    (
        Case(normal((4, 3)), kernel_size=2),
        pt.ShapeError,
        "[avg_pool3d] input is f32[4, 3]; expected [n, d, h, w, channels]; reshape input",
    ),
    (
        Case(normal((2, 4, 6, 4, 3)), kernel_size=(1, 2)),
        pt.ShapeError,
        "[avg_pool3d] kernel_size = (1, 2); expected one number or three; pass it alone",
    ),
]
BENCH = [Case(normal((4, 16, 16, 16, 32)), kernel_size=2)]
