"""Cases of max; the reference is numpy.max in float64."""

import numpy as np

import powertrain as pt
from kit import Case, normal, reductions, spaced, values

reference = np.max
K = 0
DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
CASES = [
    *reductions(spaced, empty=False),
    Case(values([[1.0, 1.0, 3.0, 3.0]]), axis=1).no_second_derivative(),  # ties share the gradient
    Case(values([[1.0, np.nan, 3.0], [-np.inf, 2.0, np.inf]]), axis=1).no_gradient(),
]
ERRORS = [
    (
        Case(normal((2, 0)), axis=1),
        pt.ShapeError,
        "[max] x is f32[2, 0]; expected at least one element along the reduced axes; check for an empty input",
    ),
]
MUTANTS = [("../reduction.cpp", " / fn::sum(share, axes, true)", "")]
BENCH = [Case(normal((2048, 1024)), axis=1), Case(normal((2048, 1024)), axis=0), Case(normal((2048, 1024)))]
