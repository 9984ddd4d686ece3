"""Cases of inv; the reference is numpy.linalg.inv."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal
from matrices import SQUARE, regular, size_of


def reference(x: Array) -> Array:
    return np.linalg.inv(x)


def magnitude(x: Array) -> Array:
    return size_of(x) * size_of(reference(x)) * (1 + np.abs(reference(x)))


DTYPES = ("float32", "float64")
CASES = [Case(regular(shape)) for shape in SQUARE]
ERRORS = [
    (Case(normal((2, 3))), pt.ShapeError, "[inv] x is f32[2, 3]; expected square matrices; check its last two axes"),
]
MUTANTS = [("spec.cpp", "return {-fn::matmul", "return {fn::matmul")]
BENCH = [Case(regular((128, 128)))]
