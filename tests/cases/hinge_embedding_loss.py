"""Cases of hinge_embedding_loss; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, binary, normal, values


def reference(x: Array, target: Array, margin: float = 1.0) -> Array:
    return np.where(target == -1, 0, x) + np.where(target == 1, 0, np.maximum(margin - x, 0))


def magnitude(x: Array, target: Array, margin: float = 1.0) -> Array:
    return np.abs(x) + margin


GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
SIGNS = values([1.0, -1.0, 1.0, -1.0, 0.0, 1.0, -1.0, -1.0, 0.5])
CASES = [*binary(normal, normal), Case(normal((9,)), SIGNS, margin=0.5), Case(normal((4, 9)), SIGNS)]
MUTANTS = [("spec.cpp", 'attrs.number("margin") - x', 'x - attrs.number("margin")')]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
