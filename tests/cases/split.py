"""Cases of split; the reference is numpy.split."""

import numpy as np
from numpy import split

import powertrain as pt
from kit import Array, Case, normal


def reference(x: Array, parts: int, axis: int = 0) -> list[Array]:
    return split(x, parts, axis)


K = 0
CASES = [
    Case(normal((6,)), parts=3),
    Case(normal((6, 5)), parts=2),
    Case(normal((2, 6)), parts=3, axis=1),
    Case(normal((2, 3, 34)), parts=2, axis=-1),
    Case(normal((4,)), parts=1),
    Case(normal((0, 4)), parts=2, axis=1),
]
ERRORS = [
    (
        Case(np.ones((2**25, 0), np.float32), parts=2**25),
        pt.ShapeError,
        "[split] received an axis to cut into 33554432 tensors; expected at most 16777216; index what is needed",
    ),
    (
        Case(normal((5,)), parts=2),
        pt.ShapeError,
        "[split] x is f32[5], parts = 2, axis = 0; expected a number that divides the axis; use slices for uneven parts",
    ),
    (Case(normal((4,))), pt.DTypeError, "[split] parts is missing; expected an integer; pass parts=..."),
]
BENCH = [Case(normal((2048, 768)), parts=3, axis=1)]
