"""Cases of leaky_relu; the reference is numpy.where."""

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array, negative_slope: float = 0.01) -> Array:
    return np.where(x < 0, x * negative_slope, x)


K = 1
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*unary(normal), Case(normal((3, 5)), negative_slope=0.2), Case(special()).no_gradient()]
BENCH = [Case(normal((2048, 1024)))]
