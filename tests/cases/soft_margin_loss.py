"""Cases of soft_margin_loss; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, binary, normal


def reference(x: Array, target: Array) -> Array:
    return np.logaddexp(0, -target * x)


def magnitude(x: Array, target: Array) -> Array:
    return np.logaddexp(0, -target * x) * (1 + np.abs(target * x))


CASES = [
    *binary(normal, normal),
]
MUTANTS = [("spec.cpp", "-(target * x)", "target * x")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
