"""Cases of hardtanh; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array, low: float = -1.0, high: float = 1.0) -> Array:
    return np.clip(x, low, high)


K = 0
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*unary(normal), Case(normal((3, 5)), low=-0.25, high=0.5), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "fn::less_equal(x", "fn::greater_equal(x")]
BENCH = [Case(normal((2048, 1024)))]
