"""Cases of logical_xor; the reference is numpy.logical_xor."""

import numpy as np

import powertrain as pt
from kit import BROADCASTS, SIZES, Case, booleans, integers

reference = np.logical_xor
CASES = [
    *[Case(booleans((n,)), booleans((n,))) for n in SIZES],
    *[Case(booleans(a), booleans(b)) for a, b in BROADCASTS],
]
ERRORS = [
    (
        Case(integers((3,), 0, 2), booleans((3,))),
        pt.DTypeError,
        "[logical_xor] a is i32[3]; expected bool; convert it with astype",
    ),
]
MUTANTS = [("spec.cpp", '"not_equal"', '"equal"')]
BENCH = [Case(booleans((2048, 1024)), booleans((2048, 1024)))]
