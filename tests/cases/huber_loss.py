"""Cases of huber_loss; the reference is Huber 1964 in NumPy."""

import numpy as np

import powertrain as pt
from kit import Array, Case, binary, normal


def reference(x: Array, target: Array, delta: float = 1.0) -> Array:
    d = np.abs(x - target)
    return np.where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta))


def magnitude(x: Array, target: Array, delta: float = 1.0) -> Array:
    return np.minimum(np.abs(x - target), delta) * (np.abs(x) + np.abs(target) + delta)


GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*binary(normal, normal), Case(normal((40,), 3.0), normal((40,)), delta=0.5)]
ERRORS = [
    (
        Case(normal((3,)), normal((3,)), delta=0.0),
        pt.ShapeError,
        "[huber_loss] delta = 0.0; expected a number above 0; for example delta = 1.0",
    ),
]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
