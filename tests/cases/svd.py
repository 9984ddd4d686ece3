"""Cases of svd; the reference is numpy.linalg.svd, the largest part of each vector of the shorter side positive."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal
from matrices import regular, signs, size_of


def reference(x: Array) -> tuple[Array, Array, Array]:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    tall = x.shape[-2] >= x.shape[-1]
    sign = np.swapaxes(signs(vh, -1), -1, -2) if tall else signs(u, -2)
    return u * sign, s, np.swapaxes(sign, -1, -2) * vh


def magnitude(x: Array) -> tuple[Array, Array, Array]:
    u, s, vh = reference(x)
    return size_of(x) + 0 * u, size_of(x)[..., 0] + 0 * s, size_of(x) + 0 * vh


K = 64  # LAPACK itself is off by so much where singular values are near each other
DTYPES = ("float32", "float64")
CASES = [Case(regular(shape)) for shape in ((1, 1), (4, 4), (5, 3), (3, 5), (2, 3, 6, 4), (9, 17))]
ERRORS = [
    (Case(normal((3,))), pt.ShapeError, "[svd] x is f32[3]; expected [..., rows, columns]; reshape it"),
]
MUTANTS = [("spec.cpp", "found + outside : found", "found : found")]
BENCH = [Case(regular((64, 64)))]
