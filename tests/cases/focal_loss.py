"""Cases of focal_loss; the reference is its definition in NumPy."""

import numpy as np
from scipy.special import expit

from kit import Array, Case, binary, normal, uniform


def reference(x: Array, target: Array, alpha: float = 0.25, gamma: float = 2.0) -> Array:
    p = expit(x)
    cost = target * np.logaddexp(0, -x) + (1 - target) * np.logaddexp(0, x)
    value = cost * (p * (1 - target) + (1 - p) * target) ** gamma
    return value if alpha < 0 else value * (alpha * target + (1 - alpha) * (1 - target))


K = 16
CASES = [
    *binary(normal, uniform),
    Case(normal((9,)), uniform((9,)), alpha=-1.0, gamma=1.5),
    Case(normal((9,)), uniform((9,)), gamma=0.5),
    Case(normal((9,)), uniform((9,)), gamma=0.0),
]
MUTANTS = [("spec.cpp", "(1 - alpha)", "alpha"), ("spec.cpp", "(1.0 - p) * target", "p * target")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
