"""Cases of avg_pool2d; the reference is the mean over all places of the window, in NumPy."""

from typing import Any

import numpy as np

import powertrain as pt
from kit import Array, Case, normal
from windows import average


def reference(x: Array, **settings: Any) -> Array:
    return average(2, x, **settings)


def magnitude(x: Array, **rest: Any) -> Array:
    return reference(np.abs(x), **rest)


K = 8
CASES = [
    Case(normal((2, 6, 6, 3)), kernel_size=2),
    Case(normal((1, 7, 7, 17)), kernel_size=2),
    Case(normal((1, 7, 8, 2)), kernel_size=3, stride=2, padding=1),
    Case(normal((1, 6, 6, 2)), kernel_size=(2, 3), stride=(2, 1)),
    Case(normal((1, 5, 5, 2)), kernel_size=3, stride=1),
    Case(normal((1, 7, 8, 2)), kernel_size=3, stride=2, padding=1, count_include_pad=False),
    Case(normal((0, 6, 6, 3)), kernel_size=2),
    Case(normal((1, 8, 7, 17)), kernel_size=3, stride=2, padding=1, ceil_mode=True),
    Case(normal((1, 8, 7, 2)), kernel_size=3, stride=2, padding=1, count_include_pad=False, ceil_mode=True),
    Case(normal((1, 5, 6, 2)), kernel_size=(2, 3), stride=(3, 2), ceil_mode=True),
]
ERRORS = [
    (
        Case(normal((1, 4, 4, 3)), kernel_size=2, padding=2),
        pt.ShapeError,
        "[avg_pool2d] padding = (2,), kernel_size = (2,); expected at most half the window, so that no window lies in the padding alone; use pad",
    ),
]
BENCH = [Case(normal((64, 28, 28, 32)), kernel_size=2)]
