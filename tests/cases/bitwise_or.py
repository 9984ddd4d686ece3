"""Cases of bitwise_or; the reference is numpy.bitwise_or."""

import numpy as np

import powertrain as pt
from kit import BROADCASTS, SIZES, Case, booleans, integers, normal

reference = np.bitwise_or
CASES = [
    *[Case(integers((n,), -99, 99), integers((n,), -99, 99)) for n in SIZES],
    *[Case(integers(a, -99, 99, "int64"), integers(b, -99, 99, "int64")) for a, b in BROADCASTS],
    *[Case(integers((33,), 0, 99, dtype), integers((33,), 0, 99, dtype)) for dtype in ("uint8", "int8", "int16")],
    Case(booleans((33,)), booleans((33,))),
]
ERRORS = [
    (
        Case(normal((3,)), normal((3,))),
        pt.DTypeError,
        "[bitwise_or] a is f32[3]; expected integers or bool; convert it with astype",
    ),
]
MUTANTS = [("math.h", "a | b", "a & b")]
BENCH = [Case(integers((2048, 1024), 0, 99), integers((2048, 1024), 0, 99))]
