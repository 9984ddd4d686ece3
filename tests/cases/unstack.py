"""Cases of unstack; the reference is numpy.moveaxis, one by one."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(x: Array, axis: int = 0) -> list[Array]:
    return list(np.moveaxis(x, axis, 0))


K = 0
CASES = [
    *[Case(normal((3, 5, 2)), axis=axis) for axis in (0, 1, -1)],
    Case(normal((3,))),
    Case(normal((1, 3))),
    Case(integers((2, 3), 0, 9)),
]
ERRORS = [
    (
        Case(normal((2, 0)), axis=1),
        pt.ShapeError,
        "[unstack] x is f32[2, 0], axis = 1; expected at least one tensor; check for an empty input",
    ),
    (
        Case(np.ones((2**24 + 1, 0), np.float32)),
        pt.ShapeError,
        "[unstack] received an axis to cut into 16777217 tensors; expected at most 16777216; index what is needed",
    ),
]
MUTANTS = [("spec.cpp", "axis, i, i + 1", "axis, n - 1 - i, n - i")]
BENCH = [Case(normal((64, 128, 256)))]
