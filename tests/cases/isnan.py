"""Cases of isnan; the reference is numpy.isnan."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.isnan
CASES = [*unary(normal), Case(special())]
MUTANTS = [("math.h", "x != x", "x == x")]
BENCH = [Case(normal((2048, 1024)))]
