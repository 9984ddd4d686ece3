"""Cases of reciprocal; the reference is numpy.reciprocal."""

import numpy as np

from kit import Case, special, unary, uniform

reference = np.reciprocal
K = 1
CASES = [*unary(lambda s: uniform(s, 0.5, 10)), Case(special()).no_gradient()]
BENCH = [Case(uniform((2048, 1024), 0.5, 10))]
