"""Cases of binary_cross_entropy; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, binary, normal, uniform, values


def reference(x: Array, target: Array) -> Array:
    floor = np.float64(-100)
    return (target - 1) * np.maximum(np.log1p(-x), floor) - target * np.maximum(np.log(x), floor)


def magnitude(x: Array, target: Array) -> Array:
    return np.abs(reference(x, target)) + np.abs(target - 1) + np.abs(target)


CASES = [
    *binary(lambda s: uniform(s, 0.05, 0.95), uniform),
    Case(values([0.0, 1.0, 0.0]), values([0.0, 1.0, 1.0])).no_gradient(),
]
MUTANTS = [("spec.cpp", "log1p(-x)", "log1p(x)")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
