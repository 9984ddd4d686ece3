"""Cases of margin_ranking_loss; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, normal


def reference(a: Array, b: Array, target: Array, margin: float = 0.0) -> Array:
    return np.maximum(margin - target * (a - b), 0)


def magnitude(a: Array, b: Array, target: Array, margin: float = 0.0) -> Array:
    return np.abs(target) * (np.abs(a) + np.abs(b)) + margin


GRADIENT_SIZE = 60  # with many elements one is within a step of a kink
CASES = [
    *[Case(normal((n,)), normal((n,)), normal((n,))) for n in (0, 1, 16, 33)],
    Case(normal((3, 5)), normal((5,)), normal(()), margin=0.5),
]
MUTANTS = [("spec.cpp", "hinge(", "fn::abs(")]
BENCH = [Case(normal((2048, 256)), normal((2048, 256)), normal((2048, 256)))]
