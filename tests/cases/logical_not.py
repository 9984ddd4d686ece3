"""Cases of logical_not; the reference is numpy.logical_not."""

import numpy as np

from kit import Case, booleans, unary

reference = np.logical_not
CASES = [*unary(booleans)]
MUTANTS = [("math.h", "!truth(a)", "truth(a)")]
BENCH = [Case(booleans((2048, 1024)))]
