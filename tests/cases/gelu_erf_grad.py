"""Cases of gelu_erf_grad(x, g); the reference is g (Phi(x) + x phi(x)) with scipy.special.ndtr."""

import math

import numpy as np
from scipy.special import ndtr

from kit import SPECIAL, Array, Case, binary, normal, special


def density(x: Array) -> Array:
    return np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def reference(x: Array, g: Array) -> Array:
    return g * (ndtr(x) + x * density(x))


def magnitude(x: Array, g: Array) -> Array:
    return np.abs(g) * (1.0 + np.abs(x) * density(x))  # 1/2, the half of an erf, and the density's term


CASES = [*binary(lambda shape: normal(shape, 2.0), normal), Case(special(), normal((len(SPECIAL),))).no_gradient()]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
