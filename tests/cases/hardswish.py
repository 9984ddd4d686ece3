"""Cases of hardswish; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array) -> Array:
    return x * np.clip(x + 3.0, 0.0, 6.0) / 6.0


def magnitude(x: Array) -> Array:
    return np.abs(x) * (np.clip(x + 3.0, 0.0, 6.0) / 6.0 + np.where(np.abs(x) < 9, np.abs(x), 0.0))


GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*unary(lambda s: normal(s, 3.0)), Case(special()).no_gradient()]
MUTANTS = [("math.h", "x + V(3)", "x + V(2)")]
BENCH = [Case(normal((2048, 1024)))]
