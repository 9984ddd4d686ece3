"""Cases of equal; the reference is numpy.equal."""

import numpy as np

import powertrain as pt
from kit import Case, comparison, normal

reference = np.equal
CASES = comparison()
ERRORS = [
    (
        Case(normal((2,)), normal((3,))),
        pt.ShapeError,
        "[equal] shapes [2] and [3] do not broadcast: sizes 2 and 3 at axis -1; expected equal sizes or a size of 1; reshape one of them",
    ),
]
MUTANTS = [("math.h", "a == b", "a != b")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
