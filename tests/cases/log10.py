"""Cases of log10; the reference is numpy.log10."""

import numpy as np

from kit import Case, special, unary, uniform, values

reference = np.log10
CASES = [
    *unary(lambda s: uniform(s, 0.1, 9.0)),
    Case(special()).no_gradient(),
    Case(values([10.0**k for k in range(-4, 5)])),
]
MUTANTS = [("spec.cpp", "kLn10 * c.in[0]", "c.in[0]")]
BENCH = [Case(uniform((2048, 1024), 0.1, 9.0))]
