"""Cases of rsqrt; the reference is 1 / sqrt(x) in NumPy."""

import numpy as np

from kit import Array, Case, special, unary, uniform


def reference(x: Array) -> Array:
    return 1.0 / np.sqrt(x)


K = 2
CASES = [*unary(lambda s: uniform(s, 0.1, 10)), Case(special()).no_gradient()]
MUTANTS = [("math.h", "V(1) / sqrt(x)", "sqrt(x)"), ("spec.cpp", "-0.5", "0.5")]
BENCH = [Case(uniform((2048, 1024), 0.1, 10))]
