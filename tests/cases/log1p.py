"""Cases of log1p; the reference is numpy.log1p."""

import numpy as np

from kit import Case, special, unary, uniform

reference = np.log1p
K = 2
CASES = [*unary(lambda s: uniform(s, -0.9, 10)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "(c.in[0] + 1.0)", "c.in[0]")]
BENCH = [Case(uniform((2048, 1024), -0.9, 10))]
