"""Cases of negative; the reference is numpy.negative."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.negative
K = 1
CASES = [*unary(normal), Case(special()).no_gradient()]
BENCH = [Case(normal((2048, 1024)))]
