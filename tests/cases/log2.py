"""Cases of log2; the reference is numpy.log2."""

import numpy as np

from kit import Case, special, unary, uniform, values

reference = np.log2
CASES = [
    *unary(lambda s: uniform(s, 0.1, 9.0)),
    Case(special()).no_gradient(),
    Case(values([2.0**k for k in range(-10, 11)])),
]
MUTANTS = [("spec.cpp", "kLn2 * c.in[0]", "c.in[0]")]
BENCH = [Case(uniform((2048, 1024), 0.1, 9.0))]
