"""Cases of hardshrink; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array, lambd: float = 0.5) -> Array:
    return np.where(np.abs(x) <= lambd, 0.0, x)


K = 0
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*unary(normal), Case(normal((3, 5)), lambd=0.25), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "fn::abs(x), limit), fn::number(0), x)", "x, limit), fn::number(0), x)")]
BENCH = [Case(normal((2048, 1024)))]
