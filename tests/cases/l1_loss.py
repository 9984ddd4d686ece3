"""Cases of l1_loss; the reference is the distance in NumPy."""

import numpy as np

from kit import Array, Case, binary, normal


def reference(x: Array, target: Array) -> Array:
    return np.abs(x - target)


K = 1
CASES = binary(normal, normal)
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
