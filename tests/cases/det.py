"""Cases of det; the reference is numpy.linalg.det."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal
from matrices import SQUARE, regular


def reference(x: Array) -> Array:
    return np.asarray(np.linalg.det(x))


def magnitude(x: Array) -> Array:
    return x.shape[-1] * np.abs(reference(x))


K = 16
DTYPES = ("float32", "float64")
CASES = [Case(regular(shape)) for shape in SQUARE]
ERRORS = [
    (Case(normal((2, 3))), pt.ShapeError, "[det] x is f32[2, 3]; expected square matrices; check its last two axes"),
]
MUTANTS = [("spec.cpp", "factors[2] * fn", "fn"), ("spec.cpp", "c.grad[0] * conjugate(det)", "c.grad[0]")]
BENCH = [Case(regular((128, 128)))]
