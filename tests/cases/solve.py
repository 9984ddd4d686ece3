"""Cases of solve; the reference is numpy.linalg.solve."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal
from matrices import regular


def reference(a: Array, b: Array) -> Array:
    return np.linalg.solve(a, b)


def magnitude(a: Array, b: Array) -> Array:
    return np.linalg.norm(a, axis=(-2, -1), keepdims=True) * (np.abs(np.linalg.inv(a)) @ np.abs(reference(a, b)))


K = 16
DTYPES = ("float32", "float64")
CASES = [Case(regular((*lead, n, n)), normal((*lead, n, k))) for lead, n, k in (((), 1, 1), ((), 4, 3), ((2, 3), 5, 2))]
ERRORS = [
    (
        Case(normal((2, 2)), normal((3, 1))),
        pt.ShapeError,
        "[solve] a is f32[2, 2], b is f32[3, 1]; expected [..., n, n] and [..., n, k] with the same leading axes; reshape or broadcast one",
    ),
]
MUTANTS = [("spec.cpp", "adjoint(c.in[0]), c.grad[0]", "c.in[0], c.grad[0]")]
BENCH = [Case(regular((128, 128)), normal((128, 16)))]
