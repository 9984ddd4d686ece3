"""Cases of stack; the reference is numpy.stack."""

from numpy import stack

import powertrain as pt
from kit import Array, Case, normal


def reference(tensors: list[Array], axis: int = 0) -> Array:
    return stack(tensors, axis)


K = 0
CASES = [
    *[Case([normal((2, 3)), normal((2, 3)), normal((2, 3))], axis=axis) for axis in (0, 1, 2, -1)],
    Case([normal(()), normal(())], axis=0),
    Case([normal((0, 3)), normal((0, 3))], axis=1),
    Case([normal((17,))], axis=0),
]
ERRORS = [
    (
        Case([normal((2,)), normal((3,))]),
        pt.ShapeError,
        "[stack] tensor 0 is f32[2], tensor 1 is f32[3]; expected one shape; reshape or broadcast one",
    ),
]
BENCH = [Case([normal((1024, 1024)), normal((1024, 1024))], axis=1)]
