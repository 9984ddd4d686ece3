"""Cases of tile; the reference is numpy.tile."""

import numpy as np

import powertrain as pt
from kit import Array, Case, booleans, integers, normal


def reference(x: Array, repetitions: int | tuple[int, ...]) -> Array:
    return np.tile(x, repetitions)


K = 0
CASES = [
    *[Case(normal((3, 5)), repetitions=times) for times in (1, 2, (2, 3), (2, 1), (2, 1, 3), (0, 2))],
    Case(normal(()), repetitions=(4,)),
    Case(normal((0, 3)), repetitions=(2, 2)),
    Case(integers((2, 3, 4), 0, 9), repetitions=(2,)),
    Case(booleans((3,)), repetitions=3),
]
ERRORS = [
    (
        Case(normal((2, 3)), repetitions=(1, -2)),
        pt.ShapeError,
        "[tile] repetitions = (1, -2); expected numbers from 0 to 2147483647; pass other numbers",
    ),
]
MUTANTS = [("spec.cpp", "{before, 1, along * behind}", "{before * along, 1, behind}")]
BENCH = [Case(normal((256, 256)), repetitions=(4, 4))]
