"""Cases of normalize; the reference is x over numpy.linalg.norm."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal, spaced, values


def reference(x: Array, p: float = 2.0, axis: int = -1, eps: float = 1e-12) -> Array:
    return np.asarray(x / np.maximum(np.linalg.norm(x, p, axis, keepdims=True), eps))


K = 8
CASES = [
    *[Case(normal((3, n))) for n in (1, 5, 33)],
    Case(normal((3, 4, 5)), axis=1),
    Case(spaced((3, 4)), p=1.0),
    Case(values([[0.0, 0.0], [1e-3, 2e-3]]), eps=1e-2).no_gradient(),
]
ERRORS = [
    (
        Case(normal((3,)), eps=-1.0),
        pt.ShapeError,
        "[normalize] eps = -1.0; expected a number of at least 0; for example eps = 1e-12",
    ),
]
MUTANTS = [("spec.cpp", "floor, norm)", "norm, floor)")]
BENCH = [Case(normal((2048, 1024)))]
