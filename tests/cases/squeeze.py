"""Cases of squeeze; the reference is numpy.squeeze."""

from numpy import squeeze

import powertrain as pt
from kit import Array, Case, normal


def reference(x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    return squeeze(x, axis)


K = 0
CASES = [
    Case(normal((1, 3, 1))),
    *[
        Case(normal(shape), axis=axis)
        for shape, axis in (((1, 3), 0), ((3, 1), -1), ((1, 3, 1), (0, 2)), ((1,), 0), ((2, 1, 0), 1))
    ],
]
ERRORS = [
    (
        Case(normal((2, 3)), axis=0),
        pt.ShapeError,
        "[squeeze] x is f32[2, 3], axis = 0 has size 2; expected size 1; choose another axis or leave it out",
    ),
]
BENCH = [Case(normal((2048, 1, 1024)), axis=1)]
