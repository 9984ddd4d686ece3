"""Cases of multiply; the reference is numpy.multiply."""

import numpy as np

import powertrain as pt
from kit import Case, binary, integers, normal, special_pairs

reference = np.multiply
K = 1
CASES = [
    *binary(normal, normal),
    Case(*special_pairs()).no_gradient(),
    Case(integers((40,), -50, 50), integers((40,), -50, 50)),
]
ERRORS = [
    (
        Case(normal((2, 3)), normal((3, 2))),
        pt.ShapeError,
        "[multiply] shapes [2, 3] and [3, 2] do not broadcast: sizes 2 and 3 at axis -2; expected equal sizes or a size of 1; reshape one of them",
    ),
]
MUTANTS = [("math.h", "a * b", "a + b"), ("spec.cpp", "c.grad[0] * c.in[1]", "c.grad[0] * c.in[0]")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024))), Case(normal((2048, 1024)), normal((1024,)))]
