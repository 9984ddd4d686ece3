"""Cases of outer; the reference is numpy.outer."""

import numpy as np

import powertrain as pt
from kit import Case, integers, normal

reference = np.outer
CASES = [
    *[Case(normal((m,)), normal((n,))) for m in (0, 1, 5) for n in (1, 33)],
    Case(integers((3,), -9, 9), integers((4,), -9, 9)),
]
ERRORS = [
    (
        Case(normal((2, 2)), normal((2,))),
        pt.ShapeError,
        "[outer] a is f32[2, 2], b is f32[2]; expected one axis each; flatten them",
    ),
]
MUTANTS = [("spec.cpp", "* in[1]", "+ in[1]")]
BENCH = [Case(normal((2048,)), normal((1024,)))]
