"""Cases of threshold; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array, threshold: float = 0.0, value: float = 0.0) -> Array:
    return np.where(x <= threshold, value, x)


K = 0
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*unary(normal), Case(normal((3, 5)), threshold=0.5, value=7.0), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "limit), value, x", "limit), x, value")]
BENCH = [Case(normal((2048, 1024)))]
