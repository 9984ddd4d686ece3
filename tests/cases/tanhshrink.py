"""Cases of tanhshrink; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array) -> Array:
    return x - np.tanh(x)


def magnitude(x: Array) -> Array:
    return np.abs(x)


CASES = [*unary(normal), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "fn::square(", "fn::abs(")]
BENCH = [Case(normal((2048, 1024)))]
