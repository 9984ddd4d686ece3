"""Cases of divide; the reference is numpy.divide."""

import numpy as np

import powertrain as pt
from kit import Case, binary, normal, special_pairs, uniform

reference = np.divide
K = 1
CASES = [*binary(normal, lambda s: uniform(s, 0.5, 4)), Case(*special_pairs()).no_gradient()]
ERRORS = [
    (
        Case(normal((5, 1, 2)), normal((3, 3))),
        pt.ShapeError,
        "[divide] shapes [5, 1, 2] and [3, 3] do not broadcast: sizes 2 and 3 at axis -1; expected equal sizes or a size of 1; reshape one of them",
    ),
]
MUTANTS = [("math.h", "a / b", "a * b"), ("spec.cpp", "-(over * c.out[0])", "(over * c.out[0])")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024))), Case(normal((2048, 1024)), normal((1024,)))]
