"""Cases of repeat; the reference is numpy.repeat."""

import numpy as np

import powertrain as pt
from kit import Array, Case, booleans, integers, normal


def reference(x: Array, repeats: int | tuple[int, ...], axis: int | None = None) -> Array:
    return np.repeat(x, repeats, axis)


K = 0
CASES = [
    *[Case(normal((3, 5)), repeats=times, axis=axis) for times in (0, 1, 3) for axis in (None, 0, 1, -1)],
    Case(normal((3, 5)), repeats=(2, 0, 1), axis=0),
    Case(normal(()), repeats=4),
    Case(normal((0, 3)), repeats=2, axis=1),
    Case(integers((3,), 0, 9), repeats=(1, 2, 3)),
    Case(booleans((3,)), repeats=2),
    Case(normal((0,)), repeats=()),
]
ERRORS = [
    (
        Case(normal((2, 3)), repeats=(1, 2), axis=1),
        pt.ShapeError,
        "[repeat] repeats = (1, 2), x has 3 elements along the axis; expected one number, or one for each; pass as "
        "many",
    ),
    (
        Case(normal((2,)), repeats=-1),
        pt.ShapeError,
        "[repeat] repeats = (-1,); expected numbers from 0 to 2147483647; pass other numbers",
    ),
]
MUTANTS = [("spec.cpp", "{before, along, 1, behind}", "{before, 1, along, behind}")]
BENCH = [Case(normal((2048, 256)), repeats=4, axis=1)]
