"""Cases of min; the reference is numpy.min in float64."""

import numpy as np

from kit import Case, normal, reductions, spaced, values

reference = np.min
K = 0
DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
CASES = [
    *reductions(spaced, empty=False),
    Case(values([[1.0, 1.0, 3.0, 3.0]]), axis=1).no_second_derivative(),  # ties share the gradient
    Case(values([[1.0, np.nan, 3.0], [-np.inf, 2.0, np.inf]]), axis=1).no_gradient(),
]
MUTANTS = [("../reduction.cpp", " / fn::sum(share, axes, true)", "")]
BENCH = [Case(normal((2048, 1024)), axis=1), Case(normal((2048, 1024)), axis=0), Case(normal((2048, 1024)))]
