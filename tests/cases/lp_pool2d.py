"""Cases of lp_pool2d; the reference is its definition over all places of the window, in NumPy."""

from typing import Any

import numpy as np

import powertrain as pt
from kit import Array, Case, normal, uniform
from windows import average, numbers, seen


def reference(
    x: Array, norm_type: float = 2.0, kernel_size: Any = 1, stride: Any = None, ceil_mode: bool = False
) -> Array:
    if ceil_mode:  # what reaches over the end is weighed up
        return (average(2, x**norm_type, kernel_size, stride, 0, True, True) * np.prod(numbers(2, kernel_size))) ** (
            1 / norm_type
        )
    return np.sum(np.array(seen(2, x, kernel_size, stride, 0, 0.0)) ** norm_type, axis=0) ** (1 / norm_type)


K = 8
CASES = [
    Case(normal((2, 4, 6, 3)), kernel_size=2),
    Case(normal((1, 5, 5, 2)), kernel_size=(3, 2), stride=1),
    Case(uniform((1, 4, 4, 2), 0.2, 2.0), norm_type=3.0, kernel_size=2),
    Case(normal((1, 5, 6, 2)), kernel_size=(2, 3), ceil_mode=True),
]
ERRORS = [
    (
        Case(normal((1, 4, 4, 2)), norm_type=0.0, kernel_size=2),
        pt.ShapeError,
        "[lp_pool2d] norm_type = 0.0; expected a number above 0; for example norm_type = 2.0",
    ),
    (
        Case(normal((1, 4, 4, 2)), kernel_size=()),
        pt.ShapeError,
        "[lp_pool2d] kernel_size = (); expected one or two numbers; for example kernel_size = 2",
    ),
]
MUTANTS = [("spec.cpp", "elements * mean", "mean")]
BENCH = [Case(normal((16, 32, 32, 64)), kernel_size=2)]
