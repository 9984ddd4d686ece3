"""Cases of prod; the reference is numpy.prod."""

from typing import Any

import numpy as np

from kit import Array, Case, integers, uniform, values


def magnitude(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    # Every factor adds a rounding of half an eps of the product.
    product = np.abs(np.prod(x, axis=axis, keepdims=keepdims))
    return product * (np.size(x) / max(1, np.size(product)))


reference = np.prod
K = 1
DTYPES = ("float32", "float64")
CASES = [
    *[
        Case(uniform(shape, 0.5, 1.5), axis=axis)
        for shape, axis in (
            ((7,), None),
            ((), None),
            ((3, 5), 0),
            ((3, 5), 1),
            ((4, 3, 5), (0, 2)),
            ((2, 33), -1),
            ((3, 600), 1),
        )
    ],
    Case(uniform((3, 5), 0.5, 1.5), axis=1, keepdims=True),
    Case(uniform((2, 0)), axis=1),
    Case(integers((3, 5), 1, 4, "int64"), axis=1),
    Case(values([[2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [1.0, 2.0, 4.0], [0.0, 0.0, 0.0]]), axis=1),
    Case(values([[2.0, 0.0, 3.0], [0.0, 5.0, 3.0]]), axis=(0, 1)),
]
MUTANTS = [
    ("spec.cpp", "{share * right, share * left}", "{share * left, share * right}"),
    ("spec.cpp", "piece(shares, axis, half, half + 1)}", "last}"),
]
BENCH = [Case(uniform((2048, 1024), 0.99, 1.01), axis=1)]
