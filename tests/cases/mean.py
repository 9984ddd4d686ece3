"""Cases of mean; the reference is numpy.mean in float64."""

from typing import Any

import numpy as np

import powertrain as pt
from kit import Array, Case, normal, reductions


def magnitude(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    return np.mean(np.abs(x), axis=axis, keepdims=keepdims)


reference = np.mean
K = 8
CASES = reductions(normal, empty=False)
ERRORS = [
    (
        Case(normal((2, 3)), axis=-3),
        pt.IndexError,
        "[mean] axis = -3 of a tensor with 2 dimensions; expected -2 to 1; name an axis that exists",
    ),
]
MUTANTS = [("spec.cpp", " / fn::number(n)", "")]
BENCH = [Case(normal((2048, 1024)), axis=1), Case(normal((2048, 1024)), axis=0), Case(normal((2048, 1024)))]
