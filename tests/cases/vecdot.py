"""Cases of vecdot; the reference is numpy.sum of the product."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(a: Array, b: Array, axis: int = -1) -> Array:
    return np.sum(a * b, axis=axis, dtype=np.result_type(a, b))


def magnitude(a: Array, b: Array, axis: int = -1) -> Array:
    return np.sum(np.abs(a * b), axis=axis)


CASES = [
    *[Case(normal((3, n)), normal((3, n))) for n in (0, 1, 5, 1025)],
    Case(normal((4, 5)), normal((5,))),
    Case(normal((3, 5, 4)), normal((5, 1)), axis=-2),
    Case(integers((3, 4), -9, 9), integers((3, 4), -9, 9)),
]
ERRORS = [
    (
        Case(normal((2, 2)), normal((2, 3))),
        pt.ShapeError,
        "[vecdot] a is f32[2, 2], b is f32[2, 3], axis = -1; expected one size along an axis of both, counted from the "
        "end; reshape one",
    ),
]
MUTANTS = [("spec.cpp", "{axis}, false", "{-1}, false")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
