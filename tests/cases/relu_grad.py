"""Cases of relu_grad(x, g); the reference is 0 where x <= 0, else g: a NaN keeps it."""

import numpy as np

from kit import SPECIAL, Array, Case, binary, normal, special


def reference(x: Array, g: Array) -> Array:
    return np.where(x <= 0, 0.0, g)


K = 0
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*binary(normal, normal), Case(special(), normal((len(SPECIAL),))).no_gradient()]
MUTANTS = [("math.h", "x <= V(0)", "x >= V(0)")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
