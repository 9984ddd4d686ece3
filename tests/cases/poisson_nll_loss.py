"""Cases of poisson_nll_loss; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, binary, normal, uniform


def reference(x: Array, target: Array, log_input: bool = True, full: bool = False, eps: float = 1e-8) -> Array:
    value = np.exp(x) - target * x if log_input else x - target * np.log(x + eps)
    safe = np.maximum(target, 1.0)
    stirling = safe * np.log(safe) - safe + 0.5 * np.log(2 * np.pi * safe)
    return value + np.where(target > 1, stirling, 0.0) if full else value


def magnitude(x: Array, target: Array, log_input: bool = True, full: bool = False, eps: float = 1e-8) -> Array:
    rate = np.exp(x) if log_input else np.abs(x)
    return rate + np.abs(target) * (np.abs(x if log_input else np.log(x + eps)) + 1) + (np.abs(target) + 2) ** 2 * full


GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [
    *binary(normal, lambda s: uniform(s, 0.0, 5.0)),
    Case(uniform((9,), 0.2, 3.0), uniform((9,), 0.0, 5.0), log_input=False),
    Case(normal((9,)), uniform((9,), 1.5, 5.0), full=True),
]
MUTANTS = [("spec.cpp", "fn::exp(x) - target * x", "fn::exp(x) + target * x"), ("spec.cpp", "kTwoPi * safe", "safe")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
