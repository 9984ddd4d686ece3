"""Cases of mse_loss; the reference is the squared difference in NumPy."""

import numpy as np

from kit import Array, Case, binary, normal


def reference(x: Array, target: Array) -> Array:
    return (x - target) ** 2


def magnitude(x: Array, target: Array) -> Array:
    return np.abs(x - target) * (np.abs(x) + np.abs(target))


CASES = binary(normal, normal)
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
