"""Cases of vector_norm; the reference is numpy.linalg.norm of the axes as one."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal, spaced, values


def reference(x: Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False, ord: float = 2.0) -> Array:
    axes = tuple(range(x.ndim)) if axis is None else tuple(i % x.ndim for i in np.atleast_1d(axis))
    kept = [i for i in range(x.ndim) if i not in axes]
    rows = np.transpose(x, (*kept, *axes)).reshape(*(x.shape[i] for i in kept), -1)
    norm = np.asarray(np.linalg.norm(rows, ord, axis=-1))
    return np.expand_dims(norm, axes) if keepdims else norm


K = 8
GRADIENT_SIZE = 100
CASES = [
    *[Case(normal((3, 4, 5)), axis=axis) for axis in (None, 0, -1, (0, 2))],
    *[Case(spaced((3, 4)), axis=1, ord=p) for p in (0.0, 1.0, 3.0, 0.5, -2.0)],
    # Some rows hold a number and its negative, which tie.
    *[Case(spaced((3, 4)), axis=1, ord=p).no_second_derivative() for p in (np.inf, -np.inf)],
    Case(normal((3, 5)), axis=1, keepdims=True),
    Case(normal(())),
    Case(normal((0,))),
    Case(values([0.0, 0.0])).no_gradient(),
]
ERRORS = [
    (
        Case(normal((2, 0)), axis=1, ord=np.inf),
        pt.ShapeError,
        "[vector_norm] x is f32[2, 0]; expected at least one element along the axes; check for an empty input",
    ),
]
MUTANTS = [
    ("spec.cpp", "1 / p)", "p)"),
    ("spec.cpp", "fn::where(fn::equal(y, zero), fn::number(1), y)", "fn::square(y)"),
]
BENCH = [Case(normal((2048, 1024)), axis=1)]
