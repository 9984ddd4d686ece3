"""Cases of matrix_transpose; the reference is numpy.swapaxes of the last two."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(x: Array) -> Array:
    return np.swapaxes(x, -1, -2)


K = 0
CASES = [Case(normal((2, 3))), Case(normal((2, 3, 4))), Case(normal((0, 3))), Case(integers((3, 2), 0, 9))]
ERRORS = [
    (
        Case(normal((2,))),
        pt.ShapeError,
        "[matrix_transpose] x is f32[2]; expected at least two axes; reshape x",
    ),
]
MUTANTS = [("spec.cpp", "{swap_last(in[0])}", "{in[0]}")]
BENCH = [Case(normal((64, 128, 256)))]
