"""Cases of gaussian_nll_loss; the reference is its definition in NumPy."""

import math

import numpy as np

import powertrain as pt
from kit import Array, Case, normal, uniform, values


def reference(x: Array, target: Array, var: Array, full: bool = False, eps: float = 1e-6) -> Array:
    safe = np.maximum(var, eps)
    return 0.5 * (np.log(safe) + (x - target) ** 2 / safe) + (0.5 * math.log(2 * math.pi) if full else 0.0)


def magnitude(x: Array, target: Array, var: Array, full: bool = False, eps: float = 1e-6) -> Array:
    safe = np.maximum(var, eps)
    return np.abs(np.log(safe)) + (np.abs(x) + np.abs(target)) ** 2 / safe + 1.0


CASES = [
    *[Case(normal((n,)), normal((n,)), uniform((n,), 0.2, 2.0)) for n in (0, 1, 16, 33)],
    Case(normal((3, 5)), normal((5,)), uniform((), 0.2, 2.0), full=True),
    Case(normal((3,)), normal((3,)), values([0.0, 0.5, -1.0]), eps=0.25).no_gradient(),
    Case(normal((4,)), normal((4,)), values([0.0, 1e-9, -1.0, np.inf])).no_gradient(),  # the floor itself, not near it
]
# The gradient by the variance passes a floor, as PyTorch's does: (1 - 4 / 0.25) / (2 * 0.25).
GRADIENTS = [(Case(values([2.0]), values([0.0]), values([-1.0]), eps=0.25), ([8.0], [-8.0], [-30.0]))]
ERRORS = [
    (
        Case(normal((2,)), normal((2,)), normal((2,)), eps=0.0),
        pt.ShapeError,
        "[gaussian_nll_loss] eps = 0.0; expected a number above 0; for example eps = 1e-06",
    ),
]
MUTANTS = [
    ("spec.cpp", "/ safe)", "* safe)"),
    ("spec.cpp", "low + nothing", "low"),
    ("spec.cpp", "loss + kHalfLogTwoPi", "loss"),
]
BENCH = [Case(normal((2048, 256)), normal((2048, 256)), uniform((2048, 256), 0.2, 2.0))]
