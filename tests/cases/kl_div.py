"""Cases of kl_div; the reference is its definition in NumPy."""

import numpy as np
from scipy.special import xlogy

from kit import Array, Case, binary, normal, uniform, values


def reference(x: Array, target: Array, log_target: bool = False) -> Array:
    return np.exp(target) * (target - x) if log_target else xlogy(target, target) - target * x


def magnitude(x: Array, target: Array, log_target: bool = False) -> Array:
    size = np.exp(target) if log_target else np.abs(target)
    return size * (np.abs(x) + (np.abs(target) if log_target else np.abs(np.log(np.maximum(target, 1e-30)))) + 1e-7)


GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [
    *binary(normal, lambda s: uniform(s, 0.1, 1.0)),
    Case(normal((7,)), normal((7,)), log_target=True),
    Case(normal((2,)), values([0.0, 1.0])).no_gradient(),
]
MUTANTS = [("spec.cpp", "(target - x)", "(x - target)"), ("spec.cpp", "- target * x", "- x")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
