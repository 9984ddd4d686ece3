"""Cases of cross; the reference is numpy.cross."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(a: Array, b: Array, axis: int = -1) -> Array:
    return np.cross(*np.broadcast_arrays(a, b), axis=axis)


def magnitude(a: Array, b: Array, axis: int = -1) -> Array:
    a, b = np.broadcast_arrays(np.abs(a), np.abs(b))
    return np.sum(a, axis, keepdims=True) * np.sum(b, axis, keepdims=True)


CASES = [
    Case(normal((3,)), normal((3,))),
    Case(normal((4, 3)), normal((3,))),
    Case(normal((2, 3, 4)), normal((3, 1)), axis=1),
    Case(integers((4, 3), -9, 9), integers((4, 3), -9, 9)),
]
ERRORS = [
    (
        Case(normal((2,)), normal((2,))),
        pt.ShapeError,
        "[cross] a is f32[2], b is f32[2], axis = 0; expected 3 elements along it; choose another axis",
    ),
]
MUTANTS = [
    (
        "spec.cpp",
        'fn::call("roll", {a}, twice) * fn::call("roll", {b}, once)',
        'fn::call("roll", {a}, once) * fn::call("roll", {b}, once)',
    )
]
BENCH = [Case(normal((65536, 3)), normal((65536, 3)))]
