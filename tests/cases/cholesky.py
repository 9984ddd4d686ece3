"""Cases of cholesky; the reference is numpy.linalg.cholesky."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal
from matrices import SQUARE, positive_definite, size_of, symmetric


def reference(x: Array, upper: bool = False) -> Array:
    lower = np.linalg.cholesky(symmetric(x))
    return np.swapaxes(lower, -1, -2) if upper else lower


def magnitude(x: Array, upper: bool = False) -> Array:
    return np.sqrt(size_of(x)) + 0 * x


K = 16
DTYPES = ("float32", "float64")
CASES = [*[Case(positive_definite(shape)) for shape in SQUARE], Case(positive_definite((3, 4, 4)), upper=True)]
ERRORS = [
    (
        Case(normal((2, 3))),
        pt.ShapeError,
        "[cholesky] x is f32[2, 3]; expected square matrices; check its last two axes",
    ),
    (
        Case(normal((3,))),
        pt.ShapeError,
        "[cholesky] x is f32[3]; expected [..., rows, columns]; reshape it",
    ),
]
MUTANTS = [("spec.cpp", '0.5 * (fn::call("tril"', '1.0 * (fn::call("tril"')]
BENCH = [Case(positive_definite((128, 128)))]
