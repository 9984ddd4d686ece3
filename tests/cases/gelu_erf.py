"""Cases of gelu_erf; the reference is x times the normal distribution (scipy.special.ndtr)."""

import numpy as np
from scipy.special import ndtr

from kit import Array, Case, normal, special, unary


def reference(x: Array) -> Array:
    return x * ndtr(x)


def magnitude(x: Array) -> Array:
    return np.abs(x)  # x / 2 plus x / 2 times a number up to 1


CASES = [*unary(normal), *unary(lambda shape: normal(shape, 4.0)), Case(special()).no_gradient()]
BENCH = [Case(normal((2048, 1024)))]
