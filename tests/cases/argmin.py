"""Cases of argmin; the reference is numpy.argmin: the first of equals wins, and NaN over all."""

import numpy as np

from kit import Array, Case, integers, normal, values


def reference(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    return np.asarray(np.argmin(x, axis=axis, keepdims=keepdims))


CASES = [
    *[Case(normal(shape), axis=axis) for shape in ((7,), (3, 5), (4, 3, 1025)) for axis in (None, 0, -1)],
    Case(normal((3, 5)), axis=1, keepdims=True),
    Case(integers((9, 40), 0, 3), axis=1),
    Case(values([[1.0, 5.0, 5.0], [np.nan, 2.0, np.nan], [np.inf, -np.inf, np.inf]]), axis=1),
]
BENCH = [Case(normal((2048, 1024)), axis=1)]
