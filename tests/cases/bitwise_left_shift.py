"""Cases of bitwise_left_shift; the reference is numpy.left_shift."""

import numpy as np

import powertrain as pt
from kit import SIZES, Case, integers, normal, values

reference = np.left_shift
CASES = [
    *[Case(integers((n,), -99, 99), integers((n,), 0, 40)) for n in SIZES],
    *[Case(integers((3, 11), 0, 99, dtype), integers((11,), 0, 9, dtype)) for dtype in ("uint8", "int8", "int16")],
    Case(integers((33,), -99, 99, "int64"), integers((33,), 0, 70, "int64")),
    Case(integers((), -99, 99, "int64"), integers((3, 1), 0, 9, "int64")),
    Case(values([5, -5, 1], "int32"), values([-1, -3, -(2**31)], "int32")),
    Case(values([-(2**63), 2**62, -1, 1], "int64"), values([1, 1, 63, 63], "int64")),
]
ERRORS = [
    (
        Case(normal((3,)), normal((3,))),
        pt.DTypeError,
        "[bitwise_left_shift] a is f32[3]; expected integers; convert it with astype",
    ),
]
MUTANTS = [("math.h", "b >= width", "b >= width - 1")]
BENCH = [Case(integers((2048, 1024), 0, 99), integers((2048, 1024), 0, 9))]
