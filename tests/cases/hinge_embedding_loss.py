"""Cases of hinge_embedding_loss; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, binary, normal


def reference(x: Array, target: Array, margin: float = 1.0) -> Array:
    return np.where(target > 0, x, np.maximum(margin - x, 0))


def magnitude(x: Array, target: Array, margin: float = 1.0) -> Array:
    return np.abs(x) + margin


GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*binary(normal, normal), Case(normal((9,)), normal((9,)), margin=0.5)]
MUTANTS = [("spec.cpp", 'attrs.number("margin") - x', 'attrs.number("margin") + x')]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
