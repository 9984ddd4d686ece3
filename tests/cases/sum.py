"""Cases of sum; the reference is numpy.sum in float64."""

from typing import Any

import numpy as np

import powertrain as pt
from kit import Array, Case, booleans, integers, normal, reductions


def magnitude(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    return np.sum(np.abs(x), axis=axis, keepdims=keepdims)


reference = np.sum
K = 8
CASES = [
    *reductions(normal),
    Case(integers((3, 40), 0, 200, "uint8"), axis=1),
    Case(integers((3, 40), 2**30, 2**31, "int32"), axis=1),
    Case(booleans((3, 300)), axis=1),
]
ERRORS = [
    (
        Case(normal((2, 3)), axis=2),
        pt.IndexError,
        "[sum] axis = 2 of a tensor with 2 dimensions; expected -2 to 1; name an axis that exists",
    ),
    (
        Case(normal((2, 3)), axis=(0, 0)),
        pt.ShapeError,
        "[sum] axis = (0, 0) names an axis twice; expected each axis once; remove the duplicate",
    ),
    (
        Case(normal((2,)), axis="rows"),
        pt.DTypeError,
        "[sum] axis = 'rows'; expected an integer or a tuple of integers; pass a value of that type",
    ),
]
MUTANTS = [("spec.cpp", "restore_axes(c.grad[0], full, axes), full)", "-restore_axes(c.grad[0], full, axes), full)")]
BENCH = [Case(normal((2048, 1024)), axis=1), Case(normal((2048, 1024)), axis=0), Case(normal((2048, 1024)))]
