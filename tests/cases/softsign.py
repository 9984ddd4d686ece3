"""Cases of softsign; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array) -> Array:
    return x / (1 + np.abs(x))


CASES = [*unary(normal), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "fn::square(fn::abs(x) + 1.0)", "(fn::abs(x) + 1.0)")]
BENCH = [Case(normal((2048, 1024)))]
