"""Cases of celu; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array, alpha: float = 1.0) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


K = 8
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*unary(normal), Case(normal((3, 5)), alpha=0.5), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "alpha * fn::expm1", "fn::expm1")]
BENCH = [Case(normal((2048, 1024)))]
