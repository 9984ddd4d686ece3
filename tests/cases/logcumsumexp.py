"""Cases of logcumsumexp; the reference is numpy.logaddexp.accumulate."""

import numpy as np

import powertrain as pt
from kit import SIZES, Array, Case, normal, values


def reference(x: Array, axis: int | None = None, reverse: bool = False) -> Array:
    axis = 0 if axis is None else axis
    if not reverse:
        return np.logaddexp.accumulate(x, axis=axis)
    return np.flip(np.logaddexp.accumulate(np.flip(x, axis), axis=axis), axis)


def magnitude(x: Array, axis: int | None = None, reverse: bool = False) -> Array:
    # The largest element so far, and the logarithm of a sum between 1 and n for each round.
    return np.max(np.abs(x[np.isfinite(x)]), initial=0.0) + np.log(np.full(x.shape, x.size + 2.0))


CASES = [
    *(Case(normal((n,))) for n in SIZES),
    Case(normal((3, 5)), axis=0),
    Case(normal((3, 7, 2)), axis=1, reverse=True),
    Case(normal((4, 33)), axis=-1, reverse=True),
    Case(normal((9,), 1.0, 1000.0)).no_gradient(),
    Case(values([[-np.inf, -np.inf, 1.0], [0.0, np.inf, 2.0], [1.0, np.nan, 2.0]]), axis=1).no_gradient(),
]
ERRORS = [
    (
        Case(normal((2, 3))),
        pt.ShapeError,
        "[logcumsumexp] axis = None of a tensor with 2 dimensions; expected an axis unless there is one; pass axis=...",
    ),
]
MUTANTS = [
    ("spec.cpp", "step *= 2", "step += 1"),
    ("spec.cpp", "piece(y, axis, n - step, n)", "piece(y, axis, 0, step)"),
]
BENCH = [Case(normal((256, 1024)), axis=1)]
