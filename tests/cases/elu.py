"""Cases of elu; the reference is alpha * numpy.expm1(x) below 0."""

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array, alpha: float = 1.0) -> Array:
    return np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)


GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*unary(normal), Case(normal((3, 5)), alpha=0.5), Case(special()).no_gradient()]
BENCH = [Case(normal((2048, 1024)))]
