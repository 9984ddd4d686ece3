"""Cases of tanh; the reference is numpy.tanh."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.tanh
K = 3
CASES = [*unary(normal), Case(special()).no_gradient()]
BENCH = [Case(normal((2048, 1024)))]
