"""Cases of nan_to_num; the reference is numpy.nan_to_num."""

from typing import Any

import numpy as np

from kit import Array, Case, booleans, integers, normal, special, unary


def reference(x: Array, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Array:
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


K = 0
CASES = [
    *unary(normal),
    # The ends of each dtype are in test_comparison: this reference is one of float64.
    Case(special(), nan=7.0, posinf=1.0, neginf=-2.0).no_gradient(),
    Case(special(), nan=np.inf, posinf=-np.inf, neginf=0.0).no_gradient(),
    Case(integers((5,), -9, 9), nan=1.0),
    Case(booleans((5,)), nan=1.0),
]
MUTANTS = [("spec.cpp", 'number("neginf", -end)', 'number("posinf", -end)')]
BENCH = [Case(normal((2048, 1024)))]
