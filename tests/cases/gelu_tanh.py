"""Cases of gelu_tanh; the reference is the tanh form of Hendrycks and Gimpel 2016 in NumPy."""

import math

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array) -> Array:
    return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)))


def magnitude(x: Array) -> Array:
    return np.abs(x)  # x / 2 plus x / 2 times a number up to 1


CASES = [*unary(normal), *unary(lambda shape: normal(shape, 4.0)), Case(special()).no_gradient()]
BENCH = [Case(normal((2048, 1024)))]
