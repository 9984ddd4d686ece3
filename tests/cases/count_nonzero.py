"""Cases of count_nonzero; the reference is numpy.count_nonzero."""

import numpy as np

from kit import Array, Case, booleans, integers, normal, special


def reference(x: Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Array:
    return np.asarray(np.count_nonzero(x, axis=axis, keepdims=keepdims), dtype="int64")


DTYPES = ("float32", "float64", "bfloat16")  # float16 makes zeros of what is too small
CASES = [
    *[Case(integers((3, 4, 5), 0, 2), axis=axis) for axis in (None, 0, -1, (0, 2))],
    Case(integers((3, 4), 0, 2), axis=1, keepdims=True),
    Case(normal((9,))),
    Case(special()),
    Case(booleans((9,))),
    Case(normal((0,))),
]
MUTANTS = [("spec.cpp", '"not_equal"', '"equal"')]
BENCH = [Case(normal((2048, 1024)))]
