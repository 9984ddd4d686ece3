"""Cases of l1_loss; the reference is the distance in NumPy."""

import numpy as np

from kit import Array, Case, binary, normal


def reference(x: Array, target: Array) -> Array:
    return np.abs(x - target)


K = 1
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = binary(normal, normal)
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
