"""Cases of argmax; the reference is numpy.argmax: the first of equals wins, and NaN over all."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal, values


def reference(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    return np.asarray(np.argmax(x, axis=axis, keepdims=keepdims))


CASES = [
    *[Case(normal(shape), axis=axis) for shape in ((7,), (3, 5), (4, 3, 1025)) for axis in (None, 0, -1)],
    Case(normal((3, 5)), axis=1, keepdims=True),
    Case(integers((9, 40), 0, 3), axis=1),
    Case(values([[1.0, 5.0, 5.0], [np.nan, 2.0, np.nan], [np.inf, -np.inf, np.inf]]), axis=1),
]
ERRORS = [
    (
        Case(normal((0,))),
        pt.ShapeError,
        "[argmax] x is f32[0]; expected at least one element along the reduced axes; check for an empty input",
    ),
    (
        Case(normal((2, 3)), axis=5),
        pt.IndexError,
        "[argmax] axis = 5 of a tensor with 2 dimensions; expected -2 to 1; name an axis that exists",
    ),
]
BENCH = [Case(normal((2048, 1024)), axis=1)]
