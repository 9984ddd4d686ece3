"""Cases of exp2; the reference is numpy.exp2."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.exp2
CASES = [*unary(lambda s: normal(s, 3.0)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "(kLn2 * c.out[0])", "c.out[0]")]
BENCH = [Case(normal((2048, 1024)))]
