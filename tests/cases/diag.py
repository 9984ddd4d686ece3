"""Cases of diag; the reference is numpy.diag."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(x: Array, k: int = 0) -> Array:
    return np.diag(x, k)


K = 0
CASES = [
    *[Case(normal(shape), k=k) for shape in ((1,), (4,), (3, 5)) for k in (-2, 0, 1)],
    Case(normal((0,)), k=2),
    Case(integers((3,), 0, 9)),
]
ERRORS = [
    (
        Case(normal((2, 2, 2))),
        pt.ShapeError,
        "[diag] x is f32[2, 2, 2]; expected a vector or a matrix; use diagonal for many matrices",
    ),
]
MUTANTS = [("spec.cpp", "above * size + before", "before * size + above")]
BENCH = [Case(normal((1024,)))]
