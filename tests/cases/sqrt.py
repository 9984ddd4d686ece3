"""Cases of sqrt; the reference is numpy.sqrt."""

import numpy as np

from kit import Case, special, unary, uniform

reference = np.sqrt
K = 1
CASES = [*unary(lambda s: uniform(s, 0.1, 10)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "c.grad[0] / (2.0 * c.out[0])", "c.grad[0] / c.out[0]")]
BENCH = [Case(uniform((2048, 1024), 0.1, 10))]
