"""Cases of signbit; the reference is numpy.signbit."""

import numpy as np

import powertrain as pt
from kit import Case, integers, normal, special, unary

reference = np.signbit
CASES = [*unary(normal), Case(special())]
ERRORS = [
    (
        Case(integers((3,), 0, 4)),
        pt.DTypeError,
        "[signbit] x is i32[3]; expected floating-point numbers; convert it with astype",
    ),
]
MUTANTS = [("math.h", "to_bits(x) < Bits(0)", "x < V(0)")]
BENCH = [Case(normal((2048, 1024)))]
