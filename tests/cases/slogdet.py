"""Cases of slogdet; the reference is numpy.linalg.slogdet."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal
from matrices import SQUARE, regular


def reference(x: Array) -> tuple[Array, Array]:
    sign, log = np.linalg.slogdet(x)
    return np.asarray(sign), np.asarray(log)


def magnitude(x: Array) -> tuple[Array, Array]:
    sign, log = reference(x)
    return sign, x.shape[-1] + np.abs(log)


K = 16
DTYPES = ("float32", "float64")
CASES = [Case(regular(shape)) for shape in SQUARE]
ERRORS = [
    (
        Case(normal((2, 3))),
        pt.ShapeError,
        "[slogdet] x is f32[2, 3]; expected square matrices; check its last two axes",
    ),
]
MUTANTS = [("spec.cpp", "factors[2] * fn", "fn")]
BENCH = [Case(regular((128, 128)))]
