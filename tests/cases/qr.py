"""Cases of qr; the reference is numpy.linalg.qr, whose signs are LAPACK's."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal
from matrices import regular, size_of


def reference(x: Array) -> tuple[Array, Array]:
    q, r = np.linalg.qr(x)
    return q, r


def magnitude(x: Array) -> tuple[Array, Array]:
    q, r = np.linalg.qr(x)
    return np.ones_like(q), size_of(x) + 0 * r


K = 16
DTYPES = ("float32", "float64")
SHAPES = [(1, 1), (4, 4), (5, 3), (2, 3, 6, 4), (33, 17)]
CASES = [*[Case(regular(shape)) for shape in SHAPES], Case(regular((3, 5))).no_gradient()]
ERRORS = [
    (Case(normal((3,))), pt.ShapeError, "[qr] x is f32[3]; expected [..., rows, columns]; reshape it"),
]
MUTANTS = [("spec.cpp", " + adjoint(below_diagonal(x));", ";")]
BENCH = [Case(regular((128, 128)))]
