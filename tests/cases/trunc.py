"""Cases of trunc; the reference is numpy.trunc."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.trunc
K = 0
CASES = [*unary(lambda shape: normal(shape, 5.0)), Case(special()).no_gradient()]
BENCH = [Case(normal((2048, 1024), 5.0))]
