"""Cases of mish; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array) -> Array:
    return x * np.tanh(np.logaddexp(0.0, x))


def magnitude(x: Array) -> Array:
    return np.abs(reference(x)) + np.abs(x) * 2.0**-126


K = 6
CASES = [*unary(normal), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "x * fn::sigmoid(x) *", "fn::sigmoid(x) *")]
BENCH = [Case(normal((2048, 1024)))]
