"""Cases of silu; the reference is x * scipy.special.expit(x)."""

import numpy as np
from scipy.special import expit

from kit import Array, Case, normal, special, unary


def reference(x: Array) -> Array:
    return x * expit(x)


def magnitude(x: Array) -> Array:
    return np.abs(reference(x)) + np.abs(x) * 2.0**-126  # far below zero e^x is subnormal, and then multiplied


CASES = [*unary(normal), Case(special()).no_gradient()]
MUTANTS = [("math.h", "x * select", "select")]
BENCH = [Case(normal((2048, 1024)))]
