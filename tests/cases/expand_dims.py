"""Cases of expand_dims; the reference is numpy.expand_dims."""

from numpy import expand_dims

import powertrain as pt
from kit import Array, Case, normal


def reference(x: Array, axis: int | tuple[int, ...]) -> Array:
    return expand_dims(x, axis)


K = 0
CASES = [
    Case(normal(shape), axis=axis) for shape, axis in (((3,), 0), ((3,), -1), ((2, 3), 1), ((), 0), ((2, 3), (0, 3)))
]
ERRORS = [
    (
        Case(normal((3,)), axis=3),
        pt.IndexError,
        "[expand_dims] axis = 3 of a tensor with 2 dimensions; expected -2 to 1; name an axis that exists",
    ),
]
BENCH = [Case(normal((2048, 1024)), axis=1)]
