"""Cases of sign; the reference is numpy.sign."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.sign
K = 1
CASES = [*unary(normal), Case(special()).no_gradient()]
MUTANTS = [("math.h", "V(-1)", "V(1)")]
BENCH = [Case(normal((2048, 1024)))]
