"""Cases of relu; the reference is max(x, 0), with NaN kept in NumPy."""

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array) -> Array:
    return np.maximum(x, 0.0)


K = 1
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*unary(normal), Case(special()).no_gradient()]
MUTANTS = [("math.h", "propagating_max", "propagating_min")]
BENCH = [Case(normal((2048, 1024)))]
