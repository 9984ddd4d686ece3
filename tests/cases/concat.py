"""Cases of concat; the reference is numpy.concatenate."""

from numpy import concatenate

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(tensors: list[Array], axis: int = 0) -> Array:
    return concatenate(tensors, axis)


K = 0
CASES = [
    Case([normal((2, 3)), normal((4, 3))], axis=0),
    Case([normal((2, 3)), normal((2, 5)), normal((2, 1))], axis=1),
    Case([normal((2, 3)), normal((2, 5))], axis=-1),
    Case([normal((0, 3)), normal((4, 3))], axis=0),
    Case([normal((5,))], axis=0),
    Case([normal((2, 3, 17)), normal((2, 2, 17))], axis=1),
    Case([integers((3,), 0, 9), integers((2,), 0, 9)], axis=0),
]
ERRORS = [
    (
        Case([normal((2, 3)), normal((2, 4))], axis=0),
        pt.ShapeError,
        "[concat] tensor 0 is f32[2, 3], tensor 1 is f32[2, 4]; expected equal sizes but along axis 0; slice or reshape one",
    ),
    (Case([], axis=0), pt.DTypeError, "[concat] received 0 tensors; expected 1 or more; see help(powertrain.concat)"),
]
BENCH = [Case([normal((1024, 1024)), normal((1024, 1024))], axis=1)]
