"""Cases of signbit; the reference is numpy.signbit, but for NaN, which has no sign here."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal, special, unary


def reference(x: Array) -> Array:
    return np.signbit(x) & ~np.isnan(x)


NANS = np.array([np.nan, -np.nan, -0.0, 0.0, -np.inf], dtype="float32")
CASES = [*unary(normal), Case(special()), Case(NANS)]
ERRORS = [
    (
        Case(integers((3,), 0, 4)),
        pt.DTypeError,
        "[signbit] x is i32[3]; expected floating-point numbers; convert it with astype",
    ),
]
MUTANTS = [("math.h", "to_bits(x) < Bits(0)", "x < V(0)"), ("math.h", " & (x == x)", "")]
BENCH = [Case(normal((2048, 1024)))]
