"""Cases of sigmoid_grad(y, g), y being the sigmoid's result; the reference is g y (1 - y) in NumPy."""

import numpy as np

from kit import Array, Case, binary, normal, uniform, values


def reference(y: Array, g: Array) -> Array:
    return g * y * (1.0 - y)


def magnitude(y: Array, g: Array) -> Array:
    return np.abs(g * y)


K = 2
CASES = [*binary(uniform, normal), Case(values([0.0, 1.0, 1e-40, 0.5, np.nan]), normal((5,))).no_gradient()]
MUTANTS = [("math.h", "(V(1) - y)", "(V(1) + y)")]
BENCH = [Case(uniform((2048, 1024)), normal((2048, 1024)))]
