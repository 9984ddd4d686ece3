"""Cases of selu; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, normal, special, unary

ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805


def reference(x: Array) -> Array:
    return SCALE * np.where(x > 0, x, ALPHA * np.expm1(np.minimum(x, 0)))


GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*unary(normal), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "kAlpha * fn::exp", "fn::exp")]
BENCH = [Case(normal((2048, 1024)))]
