"""Cases of sign; the reference is numpy.sign."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.sign
K = 1
CASES = [*unary(normal), Case(special()).no_gradient()]
BENCH = [Case(normal((2048, 1024)))]
