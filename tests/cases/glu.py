"""Cases of glu; the reference is scipy.special.expit of one half times the other."""

import numpy as np
from scipy.special import expit

import powertrain as pt
from kit import Array, Case, normal


def reference(x: Array, axis: int = -1) -> Array:
    first, second = np.split(x, 2, axis)
    return first * expit(second)


CASES = [
    *[Case(normal((3, n))) for n in (0, 2, 6, 66)],
    Case(normal((4, 3, 5)), axis=0),
    Case(normal((3, 4, 5)), axis=1),
]
ERRORS = [
    (
        Case(normal((3, 5))),
        pt.ShapeError,
        "[glu] input is f32[3, 5], axis = 1; expected an even number of elements along it; give it twice the width",
    ),
]
MUTANTS = [("spec.cpp", "piece(x, axis, n / 2, n)", "piece(x, axis, 0, n / 2)")]
BENCH = [Case(normal((2048, 1024)))]
