"""Cases of add; the reference is numpy.add."""

import numpy as np

import powertrain as pt
from kit import Case, binary, integers, normal, special_pairs

reference = np.add
K = 1
CASES = [
    *binary(normal, normal),
    Case(*special_pairs()).no_gradient(),
    Case(integers((40,), -50, 50), integers((40,), -50, 50)),
]
ERRORS = [
    (
        Case(normal((2, 3)), normal((2, 4))),
        pt.ShapeError,
        "[add] shapes [2, 3] and [2, 4] do not broadcast: sizes 3 and 4 at axis -1; expected equal sizes or a size of 1; reshape one of them",
    ),
    (Case(normal((2,)), None), pt.DTypeError, "[add] b is None; expected a tensor; pass one"),
]
MUTANTS = [
    ("math.h", "a + b", "a - b"),
    ("spec.cpp", "unbroadcast(c.grad[0], c.in_types[1].shape)", "unbroadcast(-c.grad[0], c.in_types[1].shape)"),
]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024))), Case(normal((2048, 1024)), normal((1024,)))]
