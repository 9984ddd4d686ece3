"""Cases of floor_divide; the reference is numpy.floor_divide, on quotients well away from whole numbers."""

import numpy as np

from kit import Array, Case, integers, uniform, values


def halfway(shape: tuple[int, ...]) -> Case:
    """a / b near a half: no rounding can move it past a whole number."""
    return Case(uniform(shape, 20.4, 20.6), uniform(shape, 0.999, 1.001))


def reference(a: Array, b: Array) -> Array:
    return np.floor_divide(a, b)


K = 0
CASES = [
    *[halfway(shape) for shape in ((0,), (1,), (17,), (1025,), (3, 5), ())],
    Case(uniform((7,), -20.6, -20.4), uniform((7,), 0.999, 1.001)),
    Case(integers((40,), -50, 50), integers((40,), -7, 7)),
    Case(uniform((3, 1, 5), 20.4, 20.6), uniform((4, 1), 0.999, 1.001)),
    Case(values([0.0, -0.0, 1.0, -1.0, np.nan, 2.5, 1e-40]), values([3.0, 3.0, np.inf, 2.0, 2.0, np.nan, 9.0])),
    Case(
        values([np.inf, -np.inf, np.inf, 0.0, np.nan, -1.0, np.inf]), values([0.0, 0.0, -0.0, 0.0, 0.0, -0.0, np.inf])
    ),
]
BENCH = [halfway((2048, 1024))]
