"""Cases of solve_triangular; the reference is numpy.linalg.solve of the triangle."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal
from matrices import positive_definite


def triangle(a: Array, upper: bool, transposed: bool, unitriangular: bool) -> Array:
    t = np.triu(a) if upper else np.tril(a)
    if unitriangular:
        t = t - t * np.eye(a.shape[-1]) + np.eye(a.shape[-1])
    return np.swapaxes(t, -1, -2) if transposed else t


def reference(a: Array, b: Array, upper: bool = False, transposed: bool = False, unitriangular: bool = False) -> Array:
    return np.linalg.solve(triangle(a, upper, transposed, unitriangular), b)


def magnitude(a: Array, b: Array, upper: bool = False, transposed: bool = False, unitriangular: bool = False) -> Array:
    x = reference(a, b, upper, transposed, unitriangular)
    inverse = np.linalg.inv(triangle(a, upper, transposed, unitriangular))
    return np.abs(inverse) @ (np.abs(triangle(a, upper, transposed, unitriangular)) @ np.abs(x))


K = 16
DTYPES = ("float32", "float64")
FORMS = [
    {},
    {"upper": True},
    {"transposed": True},
    {"upper": True, "transposed": True, "unitriangular": True},
    {"unitriangular": True},
]
CASES = [
    *[Case(positive_definite((4, 4)), normal((4, 3)), **form) for form in FORMS],
    Case(positive_definite((1, 1)), normal((1, 1))),
    Case(positive_definite((2, 3, 5, 5)), normal((2, 3, 5, 2)), upper=True),
    Case(positive_definite((17, 17)), normal((17, 16))),
    Case(positive_definite((3, 3)), normal((3, 0))),
]
ERRORS = [
    (
        Case(normal((2, 2)), normal((3, 1))),
        pt.ShapeError,
        "[solve_triangular] a is f32[2, 2], b is f32[3, 1]; expected [..., n, n] and [..., n, k] with the same leading axes; reshape or broadcast one",
    ),
]
MUTANTS = [("spec.cpp", "!transposed", "transposed"), ("spec.cpp", "upper ? 1 : -1", "upper ? -1 : 1")]
BENCH = [Case(positive_definite((128, 128)), normal((128, 128)))]
