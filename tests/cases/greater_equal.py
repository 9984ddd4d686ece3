"""Cases of greater_equal; the reference is numpy.greater_equal."""

import numpy as np

from kit import Case, comparison, normal

reference = np.greater_equal
CASES = comparison()
MUTANTS = [("math.h", "a >= b", "a > b")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
