"""Cases of flush_denormals; the reference compares with the smallest normal number (float64: where it is depends on the
dtype; the others are in test_adam_step.py)."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal, special, unary, values


def reference(x: Array) -> Array:
    return np.where(np.abs(x) < np.finfo(np.float64).smallest_normal, 0.0, x)


K = 0
DTYPES = ("float64",)
EDGES = [2.0**-1022, -(2.0**-1022), 2.0**-1023, -(2.0**-1023), 5e-324, -5e-324, 2.2250738585072009e-308, 0.0, -0.0]
CASES = [*unary(normal), Case(special()).no_gradient(), Case(values(EDGES)).no_gradient()]
ERRORS = [
    (
        Case(integers((3,), 0, 4)),
        pt.DTypeError,
        "[flush_denormals] x is i32[3]; expected floating-point numbers; convert it with astype",
    ),
]
MUTANTS = [("math.h", "min_normal", "infinity"), ("math.h", "abs(x) <", "x <")]
BENCH = [Case(normal((2048, 1024)))]
