"""Cases of std; the reference is numpy.std, computed in two passes."""

import numpy as np

from cases.var import magnitude as square
from kit import Array, Case, normal, reductions, values


def reference(
    x: Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False, correction: float = 0.0
) -> Array:
    return np.std(x, axis=axis, keepdims=keepdims, ddof=correction)  # type: ignore[call-overload, no-any-return]


def magnitude(
    x: Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False, correction: float = 0.0
) -> Array:
    # Through the root, the variance's error is that of the mean itself where numbers are equal, and little where they
    # spread.
    eps = 2.0**-23
    variance = np.var(x, axis=axis, keepdims=keepdims, ddof=correction)
    far = eps * (square(x, axis, keepdims, correction) - variance)
    return np.sqrt(variance) + (np.sqrt(variance + far) - np.sqrt(variance)) / eps


K = 8
GRADIENT_SIZE = 900
CASES = [
    *[
        case if case.inputs[0].shape != () and case.rest["axis"] != 0 else case.no_gradient()
        for case in reductions(normal, empty=False)
    ],
    Case(normal((3, 5)), axis=1, correction=1),
    Case(normal((4, 1025), 1.0, 100.0), axis=1),
    Case(values([[0.1] * 33, [-1e4] * 32 + [-9999.0]]), axis=1).no_gradient(),
]
MUTANTS = [("spec.cpp", "fn::sqrt(", "fn::square(")]
BENCH = [Case(normal((2048, 1024)), axis=1)]
