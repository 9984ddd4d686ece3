"""Cases of bitwise_invert; the reference is numpy.invert."""

import numpy as np

import powertrain as pt
from kit import SIZES, Case, booleans, integers, normal

reference = np.invert
CASES = [
    *[Case(integers((n,), -99, 99)) for n in SIZES],
    *[Case(integers((3, 11), 0, 99, dtype)) for dtype in ("uint8", "int8", "int16", "int64")],
    Case(booleans((33,))),
    Case(integers((), -99, 99)),
]
ERRORS = [
    (
        Case(normal((3,))),
        pt.DTypeError,
        "[bitwise_invert] x is f32[3]; expected integers or bool; convert it with astype",
    ),
]
MUTANTS = [("math.h", "vec<T, N>(-1)", "vec<T, N>(1)")]
BENCH = [Case(integers((2048, 1024), 0, 99))]
