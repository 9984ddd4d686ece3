"""Cases of smooth_l1_loss; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, binary, normal


def reference(x: Array, target: Array, beta: float = 1.0) -> Array:
    d = np.abs(x - target)
    return d if beta == 0 else np.where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta)


def magnitude(x: Array, target: Array, beta: float = 1.0) -> Array:
    return np.abs(x) + np.abs(target) + beta


GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*binary(normal, normal), *[Case(normal((40,), 3.0), normal((40,)), beta=beta) for beta in (0.0, 0.5)]]
MUTANTS = [("spec.cpp", "0.5 / beta", "0.5")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
