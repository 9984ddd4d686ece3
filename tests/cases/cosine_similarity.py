"""Cases of cosine_similarity; the reference is its definition in NumPy."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def unit(x: Array, axis: int, eps: float) -> Array:
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=axis, keepdims=True), eps))


def reference(a: Array, b: Array, axis: int = -1, eps: float = 1e-8) -> Array:
    a, b = np.broadcast_arrays(a, b)
    return np.sum(unit(a, axis, eps) * unit(b, axis, eps), axis)


def magnitude(a: Array, b: Array, axis: int = -1, eps: float = 1e-8) -> Array:
    return np.ones(reference(a, b, axis, eps).shape)


K = 8
CASES = [
    *[Case(normal((3, n)), normal((3, n))) for n in (1, 5, 33)],
    Case(normal((3, 4, 5)), normal((4, 1)), axis=1),
]
ERRORS = [
    (
        Case(normal((2, 3)), normal((2, 4))),
        pt.ShapeError,
        "[cosine_similarity] shapes [2, 3] and [2, 4] do not broadcast: sizes 3 and 4 at axis -1; expected equal sizes or a size of 1; reshape one of them",
    ),
]
MUTANTS = [("spec.cpp", "unit(a) * unit(b)", "unit(a) * b")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
