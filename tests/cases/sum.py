"""Cases of sum; the reference is numpy.sum in float64."""

from typing import Any

import numpy as np

from kit import Array, Case, normal, reductions


def magnitude(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    return np.sum(np.abs(x), axis=axis, keepdims=keepdims)


reference = np.sum
K = 8
CASES = reductions(normal)
MUTANTS = [("spec.cpp", "restore_axes(c.grad[0], full, axes), full)", "-restore_axes(c.grad[0], full, axes), full)")]
BENCH = [Case(normal((2048, 1024)), axis=1), Case(normal((2048, 1024)), axis=0), Case(normal((2048, 1024)))]
