"""Cases of var; the reference is numpy.var, computed in two passes. Rows far from zero are the hard ones."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal, reductions, values


def reference(
    x: Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False, correction: float = 0.0
) -> Array:
    return np.var(x, axis=axis, keepdims=keepdims, ddof=correction)  # type: ignore[call-overload, no-any-return]


def magnitude(
    x: Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False, correction: float = 0.0
) -> Array:
    # The mean is off by some eps of itself: that much is squared, and multiplies deviations that sum to nearly zero.
    mean = np.mean(np.abs(x), axis=axis, keepdims=keepdims)
    return reference(x, axis, keepdims, correction) + 2.0**-23 * mean**2


K = 8
CASES = [
    *reductions(normal, empty=False),
    Case(normal((4, 1025), 1.0, 100.0), axis=1),
    Case(normal((3, 5)), axis=1, correction=1),
    Case(values([[0.1] * 33, [-1e4] * 32 + [-9999.0]]), axis=1).no_gradient(),
]
ERRORS = [
    (
        Case(normal((2, 3)), axis=4),
        pt.IndexError,
        "[var] axis = 4 of a tensor with 2 dimensions; expected -2 to 1; name an axis that exists",
    ),
]
MUTANTS = [("spec.cpp", "x - fn::mean(x, axes, true)", "x")]
BENCH = [Case(normal((2048, 1024)), axis=1)]
