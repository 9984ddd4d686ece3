"""Cases of floor; the reference is numpy.floor."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.floor
K = 0
CASES = [*unary(lambda s: normal(s, 5.0)), Case(special()).no_gradient()]
BENCH = [Case(normal((2048, 1024), 5.0))]
