"""Cases of flatten; the reference is numpy.reshape to the product of the axes."""

import math

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(x: Array, start: int = 0, stop: int = -1) -> Array:
    if x.ndim == 0:
        return x.reshape(1)
    first, last = start % x.ndim, stop % x.ndim
    return x.reshape(*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :])


K = 0
CASES = [
    Case(normal(())),
    Case(normal((3,))),
    Case(normal((2, 3, 4))),
    Case(normal((2, 3, 4)), start=1),
    Case(normal((2, 3, 4)), stop=-2),
    Case(normal((2, 3, 4)), start=1, stop=1),
    Case(integers((2, 0, 4), 0, 9), start=1),
]
ERRORS = [
    (
        Case(normal((2, 3)), start=1, stop=0),
        pt.ShapeError,
        "[flatten] start = 1, stop = 0; expected a start that is not behind the stop; exchange them",
    ),
]
MUTANTS = [("spec.cpp", "i <= first || i > last", "i <= first || i >= last")]
BENCH = [Case(normal((64, 128, 256)), start=1)]
