"""Cases of flatten; the reference is numpy.reshape to the product of the axes."""

import math

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(x: Array, start_axis: int = 0, end_axis: int = -1) -> Array:
    if x.ndim == 0:
        return x.reshape(1)
    first, last = start_axis % x.ndim, end_axis % x.ndim
    return x.reshape(*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :])


K = 0
CASES = [
    Case(normal(())),
    Case(normal((3,))),
    Case(normal((2, 3, 4))),
    Case(normal((2, 3, 4)), start_axis=1),
    Case(normal((2, 3, 4)), end_axis=-2),
    Case(normal((2, 3, 4)), start_axis=1, end_axis=1),
    Case(integers((2, 0, 4), 0, 9), start_axis=1),
]
ERRORS = [
    (
        Case(normal((2, 3)), start_axis=1, end_axis=0),
        pt.ShapeError,
        "[flatten] start_axis = 1, end_axis = 0; expected a start that is not behind the stop; exchange them",
    ),
]
MUTANTS = [("spec.cpp", "i <= first || i > last", "i <= first || i >= last")]
BENCH = [Case(normal((64, 128, 256)), start_axis=1)]
