"""Cases of hardsigmoid; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array) -> Array:
    return np.clip(x + 3.0, 0.0, 6.0) / 6.0


def magnitude(x: Array) -> Array:
    return reference(x) + np.where(np.abs(x) < 9, np.abs(x), 0.0)


GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*unary(lambda s: normal(s, 3.0)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "3) * (1.0 / 6)", "3) * (1.0 / 3)")]
BENCH = [Case(normal((2048, 1024)))]
