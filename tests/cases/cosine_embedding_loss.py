"""Cases of cosine_embedding_loss; the reference is its definition in NumPy."""

import numpy as np

from cases.cosine_similarity import reference as cosine
from kit import Array, Case, integers, normal, values


def reference(a: Array, b: Array, target: Array, margin: float = 0.0) -> Array:
    c = cosine(a, b)
    return np.where(target > 0, 1 - c, np.maximum(c - margin, 0))


def magnitude(a: Array, b: Array, target: Array, margin: float = 0.0) -> Array:
    return np.ones(reference(a, b, target, margin).shape)


K = 8
CASES = [
    Case(normal((4, 5)), normal((4, 5)), values([1, -1, 1, -1], "int64")),
    Case(normal((4, 5)), normal((5,)), values([1, -1, -1, -1], "int64"), margin=0.25),
    Case(normal((4, 3)), normal((4, 3)), integers((4,), 1, 2)),
]
MUTANTS = [("spec.cpp", '- attrs.number("margin")', '+ attrs.number("margin")')]
BENCH = [Case(normal((2048, 256)), normal((2048, 256)), integers((2048,), 0, 2))]
