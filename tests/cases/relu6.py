"""Cases of relu6; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array) -> Array:
    return np.clip(x, 0.0, 6.0)


K = 0
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*unary(lambda s: normal(s, 5.0)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "fn::number(6)});", "fn::number(5)});")]
BENCH = [Case(normal((2048, 1024)))]
