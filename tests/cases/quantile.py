"""Cases of quantile; the reference is numpy.quantile."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal, spaced, values


def reference(x: Array, q: float = 0.5, axis: int | None = None, keepdims: bool = False) -> Array:
    return np.asarray(np.quantile(x, q, axis=axis, keepdims=keepdims))


def magnitude(x: Array, q: float = 0.5, axis: int | None = None, keepdims: bool = False) -> Array:
    return np.asarray(np.max(np.abs(x), axis=axis, keepdims=keepdims))


DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
CASES = [
    *[Case(spaced((n,)), q=q) for n in (1, 2, 7, 100) for q in (0.0, 0.3, 1.0)],
    *[Case(spaced((3, 4, 5)), q=0.3, axis=axis) for axis in (None, 0, 1, -1)],
    Case(spaced((3, 4)), q=0.9, axis=1, keepdims=True),
    Case(integers((9,), 0, 99), q=0.4),
    Case(values([[1.0, np.nan, 2.0], [1.0, 5.0, 2.0]]), axis=1).no_gradient(),
    Case(values([[1.0, np.nan, 2.0, 3.0], [1.0, 5.0, 2.0, 3.0]]), q=0.2, axis=1).no_gradient(),
]
ERRORS = [
    (
        Case(normal((3,)), q=1.5),
        pt.ShapeError,
        "[quantile] q = 1.5; expected a number from 0 to 1; for example q = 0.5",
    ),
    (
        Case(normal((2, 0)), axis=1),
        pt.ShapeError,
        "[quantile] x is f32[2, 0]; expected at least one element along the axis; check for an empty input",
    ),
]
MUTANTS = [
    ("spec.cpp", "(rank.above - rank.below)", "(rank.below - rank.above)"),
    ("../ranks.cpp", 'fn::call("isnan", {last})', 'fn::call("isnan", {y})'),
]
BENCH = [Case(spaced((2048, 1024)), q=0.9, axis=1)]
