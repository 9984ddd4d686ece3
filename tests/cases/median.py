"""Cases of median; the reference is numpy.median."""

import numpy as np

from kit import Case, integers, spaced, uniform, values

reference = np.median
DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
CASES = [
    *[Case(uniform((n,), 1.0, 2.0)) for n in (1, 2, 7, 100)],
    *[Case(uniform((3, 4, 5), 1.0, 2.0), axis=axis) for axis in (None, 0, 1, -1)],
    Case(uniform((3, 4), 1.0, 2.0), axis=1, keepdims=True),
    Case(uniform((3, 4), 1.0, 2.0), keepdims=True),
    Case(integers((9,), 0, 99)),
    Case(values([[1.0, np.nan, 2.0], [1.0, 5.0, 2.0]]), axis=1).no_gradient(),
]
MUTANTS = [("spec.cpp", '"q", 0.5', '"q", 0.4')]
BENCH = [Case(spaced((2048, 1024)), axis=1)]
