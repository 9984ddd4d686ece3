"""Cases of sigmoid_grad(y, g), y being the sigmoid's result; the reference is g y (1 - y) in NumPy."""

import numpy as np

from kit import Array, Case, binary, normal, uniform


def reference(y: Array, g: Array) -> Array:
    return g * y * (1.0 - y)


def magnitude(y: Array, g: Array) -> Array:
    return np.abs(g * y)


K = 2
CASES = binary(uniform, normal)
MUTANTS = [("math.h", "(V(1) - y)", "(V(1) + y)")]
BENCH = [Case(uniform((2048, 1024)), normal((2048, 1024)))]
