"""Cases of normal_quantile; the reference is scipy.special.ndtri."""

import numpy as np
from scipy.special import ndtri

from kit import Array, Case, unary, uniform, values


def reference(x: Array) -> Array:
    return ndtri(x)


def magnitude(x: Array) -> Array:
    # A rounding of x moves the quantile by that much over the density, which is nowhere above 0.4.
    return np.abs(ndtri(x)) + 1.0


K = 4
CASES = [
    *unary(lambda shape: uniform(shape, 0.01, 0.99)),
    Case(values([0.0, 1.0, 0.5, 1e-30, 1e-6, -0.5, 1.5, np.nan])).no_gradient(),
]
BENCH = [Case(uniform((2048, 1024)))]
