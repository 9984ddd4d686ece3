"""Cases of eigh; the reference is numpy.linalg.eigh, each vector with the sign that makes its largest part positive."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal
from matrices import SQUARE, positive_definite, signs, size_of, symmetric


def reference(x: Array) -> tuple[Array, Array]:
    w, v = np.linalg.eigh(symmetric(x))
    return w, v * signs(v, -2)


def magnitude(x: Array) -> tuple[Array, Array]:
    w, v = np.linalg.eigh(symmetric(x))
    return size_of(x)[..., 0] + 0 * w, size_of(x) + 0 * v


K = 16
DTYPES = ("float32", "float64")
CASES = [Case(positive_definite(shape)) for shape in SQUARE]
ERRORS = [
    (Case(normal((2, 3))), pt.ShapeError, "[eigh] x is f32[2, 3]; expected square matrices; check its last two axes"),
]
MUTANTS = [("spec.cpp", "inner + turning : turning", "inner : turning")]
BENCH = [Case(positive_definite((64, 64)))]
