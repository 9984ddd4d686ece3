"""Cases of sqrt; the reference is numpy.sqrt."""

import numpy as np

from kit import Case, special, unary, uniform

reference = np.sqrt
K = 1
CASES = [*unary(lambda s: uniform(s, 0.1, 10)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "2.0 * ", "")]
BENCH = [Case(uniform((2048, 1024), 0.1, 10))]
