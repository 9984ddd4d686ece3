"""Cases of mean; the reference is numpy.mean in float64."""

from typing import Any

import numpy as np

from kit import Array, Case, normal, reductions


def magnitude(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    return np.mean(np.abs(x), axis=axis, keepdims=keepdims)


reference = np.mean
K = 8
CASES = reductions(normal, empty=False)
MUTANTS = [("spec.cpp", " / fn::number(n)", "")]
BENCH = [Case(normal((2048, 1024)), axis=1), Case(normal((2048, 1024)), axis=0), Case(normal((2048, 1024)))]
