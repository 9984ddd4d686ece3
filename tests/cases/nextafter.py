"""Cases of nextafter; the reference is numpy.nextafter in the dtype under test (float64), by steps of bits."""

import numpy as np

import powertrain as pt
from kit import SPECIAL, Case, binary, integers, normal, values

reference = np.nextafter
K = 0
DTYPES = ("float64",)
# The oracle takes the largest number for an overflow.
FINITE = [x for x in SPECIAL if not np.isinf(x)]
CASES = [
    *binary(normal, normal),
    *[Case(values(FINITE), values(to)).no_gradient() for to in (0.0, -0.0, 1.0, np.inf, -np.inf, np.nan)],
]
ERRORS = [
    (
        Case(integers((3,), 0, 4), integers((3,), 0, 4)),
        pt.DTypeError,
        "[nextafter] x is i32[3]; expected floating-point numbers; convert it with astype",
    ),
]
MUTANTS = [("math.h", "Bits(1), Bits(-1)", "Bits(-1), Bits(1)")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
