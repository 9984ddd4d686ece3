"""Cases of log; the reference is numpy.log."""

import numpy as np

from kit import Case, special, unary, uniform

reference = np.log
K = 2
CASES = [*unary(lambda s: uniform(s, 0.1, 10)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "c.grad[0] / c.in[0]", "c.grad[0] * c.in[0]")]
BENCH = [Case(uniform((2048, 1024), 0.1, 10))]
