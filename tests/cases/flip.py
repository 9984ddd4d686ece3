"""Cases of flip; the reference is numpy.flip."""

from numpy import flip

import powertrain as pt
from kit import Array, Case, normal


def reference(x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    return flip(x, axis)


K = 0
CASES = [
    Case(normal(shape), axis=axis)
    for shape, axis in (
        ((5,), 0),
        ((3, 5), 0),
        ((3, 5), 1),
        ((3, 5), (0, 1)),
        ((3, 5), None),
        ((0, 3), 0),
        ((2, 33, 3), 1),
    )
]
ERRORS = [
    (
        Case(normal((3,)), axis=1),
        pt.IndexError,
        "[flip] axis = 1 of a tensor with 1 dimensions; expected -1 to 0; name an axis that exists",
    ),
]
BENCH = [Case(normal((2048, 1024)), axis=1)]
