"""Cases of subtract; the reference is numpy.subtract."""

import numpy as np

import powertrain as pt
from kit import Case, binary, integers, normal, special_pairs

reference = np.subtract
K = 1
CASES = [
    *binary(normal, normal),
    Case(*special_pairs()).no_gradient(),
    Case(integers((40,), -50, 50), integers((40,), -50, 50)),
]
ERRORS = [
    (
        Case(normal((3,)), normal((4,))),
        pt.ShapeError,
        "[subtract] shapes [3] and [4] do not broadcast: sizes 3 and 4 at axis -1; expected equal sizes or a size of 1; reshape one of them",
    ),
]
MUTANTS = [("math.h", "a - b;", "a + b;"), ("spec.cpp", "unbroadcast(-c.grad[0]", "unbroadcast(c.grad[0]")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024))), Case(normal((2048, 1024)), normal((1024,)))]
