"""Cases of avg_pool1d; the reference is the mean over all places of the window, in NumPy."""

from typing import Any

import numpy as np

import powertrain as pt
from kit import Array, Case, normal
from windows import average


def reference(x: Array, **settings: Any) -> Array:
    return average(1, x, **settings)


def magnitude(x: Array, **rest: Any) -> Array:
    return reference(np.abs(x), **rest)


K = 8
CASES = [
    Case(normal((2, 6, 3)), kernel_size=2),
    Case(normal((1, 7, 17)), kernel_size=3, stride=1),
    Case(normal((1, 8, 2)), kernel_size=3, stride=2, padding=1),
    Case(normal((1, 8, 2)), kernel_size=3, stride=2, padding=1, count_include_pad=False),
    Case(normal((1, 8, 2)), kernel_size=3, stride=2, padding=1, ceil_mode=True),
    Case(normal((1, 8, 2)), kernel_size=3, stride=2, padding=1, count_include_pad=False, ceil_mode=True),
    Case(normal((1, 8, 2)), kernel_size=2, stride=3, ceil_mode=True),
]
ERRORS = [
    (
        Case(normal((4, 3)), kernel_size=2),
        pt.ShapeError,
        "[avg_pool1d] input is f32[4, 3]; expected [n, t, channels]; reshape input",
    ),
    (
        Case(normal((2, 6, 3)), kernel_size=(1, 2)),
        pt.ShapeError,
        "[avg_pool1d] kernel_size = (1, 2); expected one number; pass it alone",
    ),
]
BENCH = [Case(normal((16, 1024, 64)), kernel_size=2)]
