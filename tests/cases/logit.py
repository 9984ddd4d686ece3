"""Cases of logit; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, normal, special, unary, uniform


def reference(x: Array) -> Array:
    return np.log(x / (1 - x))


def magnitude(x: Array) -> Array:
    return np.abs(reference(x)) + 1.0


CASES = [*unary(lambda s: uniform(s, 0.05, 0.95)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "(x * (1.0 - x))", "(x * x)")]
BENCH = [Case(normal((2048, 1024)))]
