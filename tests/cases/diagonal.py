"""Cases of diagonal; the reference is numpy.diagonal of the last two axes."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(x: Array, offset: int = 0) -> Array:
    return np.diagonal(x, offset, -2, -1)


K = 0
CASES = [
    *[Case(normal(shape), offset=k) for shape in ((4, 4), (3, 5), (5, 3)) for k in (-6, -2, -1, 0, 1, 2, 6)],
    Case(normal((2, 3, 4, 4)), offset=1),
    Case(normal((0, 3))),
    Case(normal((2, 3, 0))),
    Case(integers((3, 3), 0, 9)),
]
ERRORS = [
    (Case(normal((2,))), pt.ShapeError, "[diagonal] x is f32[2]; expected at least two axes; reshape x"),
]
MUTANTS = [("spec.cpp", "row * columns + column", "column * columns + row")]
BENCH = [Case(normal((64, 256, 256)))]
