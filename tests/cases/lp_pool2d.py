"""Cases of lp_pool2d; the reference is its definition over all places of the window, in NumPy."""

from typing import Any

import numpy as np

import powertrain as pt
from kit import Array, Case, normal, uniform
from windows import average, numbers, seen


def reference(x: Array, ord: float = 2.0, window: Any = 1, stride: Any = None, ceil_mode: bool = False) -> Array:
    if ceil_mode:  # what reaches over the end is weighed up
        return (average(2, x**ord, window, stride, 0, True, True) * np.prod(numbers(2, window))) ** (1 / ord)
    return np.sum(np.array(seen(2, x, window, stride, 0, 0.0)) ** ord, axis=0) ** (1 / ord)


K = 8
CASES = [
    Case(normal((2, 4, 6, 3)), window=2),
    Case(normal((1, 5, 5, 2)), window=(3, 2), stride=1),
    Case(uniform((1, 4, 4, 2), 0.2, 2.0), ord=3.0, window=2),
    Case(normal((1, 5, 6, 2)), window=(2, 3), ceil_mode=True),
]
ERRORS = [
    (
        Case(normal((1, 4, 4, 2)), ord=0.0, window=2),
        pt.ShapeError,
        "[lp_pool2d] ord = 0.0; expected a number above 0; for example ord = 2.0",
    ),
    (
        Case(normal((1, 4, 4, 2)), window=()),
        pt.ShapeError,
        "[lp_pool2d] window = (); expected one or two numbers; for example window = 2",
    ),
]
MUTANTS = [("spec.cpp", "elements * mean", "mean")]
BENCH = [Case(normal((16, 32, 32, 64)), window=2)]
