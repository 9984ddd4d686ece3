"""Cases of gelu_tanh_grad(x, g); the reference is the derivative of the tanh form in NumPy."""

import math

import numpy as np

from kit import Array, Case, binary, normal, values

ROOT = math.sqrt(2.0 / math.pi)


def parts(x: Array) -> tuple[Array, Array]:
    t = np.tanh(ROOT * (x + 0.044715 * x**3))
    return 0.5 * (1.0 + t), 0.5 * x * (1.0 - t * t) * ROOT * (1.0 + 3 * 0.044715 * x * x)


def reference(x: Array, g: Array) -> Array:
    first, second = parts(x)
    return g * (first + second)


def magnitude(x: Array, g: Array) -> Array:
    # 1 - t^2 cancels where t is near 1: what it multiplies is what counts.
    return np.abs(g) * (1.0 + np.abs(x) * (1.0 + x * x) * ROOT)


K_GRADIENT = 256  # sums of terms that grow with x^3 and cancel
CASES = [
    *binary(lambda shape: normal(shape, 2.0), normal),
    Case(values([-80.0, -30.0, -0.0, 0.0, 1e-40, 30.0, 80.0, np.nan]), normal((8,))).no_gradient(),
]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
