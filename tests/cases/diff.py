"""Cases of diff; the reference is numpy.diff."""

import numpy as np

import powertrain as pt
from kit import Array, Case, booleans, integers, normal


def reference(x: Array, n: int = 1, axis: int = -1) -> Array:
    return np.diff(x, n, axis)


def magnitude(x: Array, n: int = 1, axis: int = -1) -> Array:
    return np.full(reference(x, n, axis).shape, 2.0**n * np.max(np.abs(x), initial=0.0))


CASES = [
    *[Case(normal((3, 5)), n=n, axis=axis) for n in (0, 1, 2, 7) for axis in (0, -1)],
    Case(normal((1,))),
    Case(normal((0,))),
    Case(integers((7,), -9, 9)),
    Case(booleans((9,))),
]
ERRORS = [
    (
        Case(normal((3,)), n=-1),
        pt.ShapeError,
        "[diff] n = -1; expected an integer from 0 to 2147483647; for example n = 1",
    ),
]
MUTANTS = [("spec.cpp", "later - before", "before - later")]
BENCH = [Case(normal((2048, 1024)))]
