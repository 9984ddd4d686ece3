"""Cases of pairwise_distance; the reference is numpy.linalg.norm of the difference."""

import numpy as np

from kit import Array, Case, normal


def reference(a: Array, b: Array, p: float = 2.0, eps: float = 1e-6, keepdims: bool = False) -> Array:
    return np.asarray(np.linalg.norm(a - b + eps, p, -1, keepdims))


def magnitude(a: Array, b: Array, p: float = 2.0, eps: float = 1e-6, keepdims: bool = False) -> Array:
    return np.asarray(np.linalg.norm(np.abs(a) + np.abs(b), p, -1, keepdims))


K = 8
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [
    *[Case(normal((3, n)), normal((3, n))) for n in (1, 5, 33)],
    Case(normal((3, 5)), normal((5,)), p=1.0, keepdims=True),
    Case(normal((4, 1, 5)), normal((3, 5)), p=3.0),
]
MUTANTS = [("spec.cpp", '+ attrs.number("eps")', '* attrs.number("eps")')]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
