"""Cases of where; the reference is numpy.where."""

import numpy as np

import powertrain as pt
from kit import SIZES, SPECIAL, Case, booleans, integers, normal, special_pairs

reference = np.where
K = 0
CASES = [
    *[Case(booleans((n,)), normal((n,)), normal((n,))) for n in SIZES],
    Case(booleans((3, 1, 5)), normal((4, 1)), normal(())),
    Case(booleans(()), normal((7,)), normal((7,))),
    Case(booleans((40,)), integers((40,), -9, 9), integers((40,), -9, 9)),
    Case(booleans((len(SPECIAL),) * 2), *special_pairs()).no_gradient(),
]
ERRORS = [
    (
        Case(booleans((2,)), normal((3,)), normal((3,))),
        pt.ShapeError,
        "[where] shapes [2] and [3] do not broadcast: sizes 2 and 3 at axis -1; expected equal sizes or a size of 1; reshape one of them",
    ),
]
MUTANTS = [
    ("math.h", "condition, a, b", "condition, b, a"),
    ("spec.cpp", "fn::where(c.in[0], zero, c.grad[0])", "fn::where(c.in[0], c.grad[0], zero)"),
]
BENCH = [Case(booleans((2048, 1024)), normal((2048, 1024)), normal((2048, 1024)))]
