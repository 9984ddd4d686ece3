"""Cases of swapaxes; the reference is numpy.swapaxes."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(x: Array, axis1: int, axis2: int) -> Array:
    return np.swapaxes(x, axis1, axis2)


K = 0
CASES = [
    *[Case(normal((2, 3, 4)), axis1=a, axis2=b) for a in (0, 1, -1) for b in (0, 1, 2, -1)],
    Case(integers((2, 3), 0, 9), axis1=0, axis2=1),
]
ERRORS = [
    (
        Case(normal((2, 3)), axis1=0, axis2=2),
        pt.IndexError,
        "[swapaxes] axis = 2 of a tensor with 2 dimensions; expected -2 to 1; name an axis that exists",
    ),
]
MUTANTS = [("spec.cpp", "std::swap(order[a], order[b]);", "")]
BENCH = [Case(normal((64, 128, 256)), axis1=0, axis2=2)]
