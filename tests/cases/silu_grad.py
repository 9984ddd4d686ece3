"""Cases of silu_grad(x, g); the reference is g s (1 + x (1 - s)) with s = scipy.special.expit(x)."""

import numpy as np
from scipy.special import expit

from kit import Array, Case, binary, normal, values


def reference(x: Array, g: Array) -> Array:
    s = expit(x)
    return g * s * (1.0 + x * (1.0 - s))


def magnitude(x: Array, g: Array) -> Array:
    return np.abs(g) * expit(x) * (1.0 + np.abs(x))


K = 8
CASES = [
    *binary(lambda shape: normal(shape, 2.0), normal),
    Case(values([-80.0, -30.0, -0.0, 0.0, 1e-40, 30.0, 80.0, np.nan]), normal((8,))).no_gradient(),
]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
