"""Cases of hardswish_grad(x, g); the reference is g (x / 3 + 1 / 2) between -3 and 3, 0 up to there, g from there on."""

import numpy as np

from kit import Array, Case, binary, normal, values


def reference(x: Array, g: Array) -> Array:
    return g * np.where(x <= -3.0, 0.0, np.where(x >= 3.0, 1.0, x / 3.0 + 0.5))


def magnitude(x: Array, g: Array) -> Array:
    return np.abs(g)


GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [
    *binary(lambda shape: normal(shape, 3.0), normal),
    Case(values([-80.0, -3.0, -0.0, 0.0, 1e-40, 3.0, 80.0, np.nan]), normal((8,))).no_gradient(),
]
MUTANTS = [("math.h", "x <= V(-3)", "x <= V(-2)")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
