"""Cases of tanh_grad(y, g), y being the tanh's result; the reference is g (1 - y^2) in NumPy."""

import numpy as np

from kit import Array, Case, binary, normal, uniform, values


def reference(y: Array, g: Array) -> Array:
    return g * (1.0 - y * y)


def magnitude(y: Array, g: Array) -> Array:
    return np.abs(g)


K = 2
CASES = [
    *binary(lambda shape: uniform(shape, -1.0, 1.0), normal),
    Case(values([-1.0, -0.0, 0.0, 1.0, 1e-40, np.nan]), normal((6,))).no_gradient(),
]
MUTANTS = [("math.h", "y * y", "y")]
BENCH = [Case(uniform((2048, 1024), -1.0, 1.0), normal((2048, 1024)))]
