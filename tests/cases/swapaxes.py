"""Cases of swapaxes; the reference is numpy.swapaxes."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(x: Array, first: int, second: int) -> Array:
    return np.swapaxes(x, first, second)


K = 0
CASES = [
    *[Case(normal((2, 3, 4)), first=a, second=b) for a in (0, 1, -1) for b in (0, 1, 2, -1)],
    Case(integers((2, 3), 0, 9), first=0, second=1),
]
ERRORS = [
    (
        Case(normal((2, 3)), first=0, second=2),
        pt.IndexError,
        "[swapaxes] axis = 2 of a tensor with 2 dimensions; expected -2 to 1; name an axis that exists",
    ),
]
MUTANTS = [("spec.cpp", "std::swap(order[a], order[b]);", "")]
BENCH = [Case(normal((64, 128, 256)), first=0, second=2)]
