"""Cases of hardtanh; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    return np.clip(x, min_val, max_val)


K = 0
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*unary(normal), Case(normal((3, 5)), min_val=-0.25, max_val=0.5), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", 'slope_between(x, attrs.number("min_val")', 'slope_between(x, attrs.number("max_val")')]
BENCH = [Case(normal((2048, 1024)))]
