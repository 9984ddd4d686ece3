"""Cases of logical_or; the reference is numpy.logical_or."""

import numpy as np

from kit import Case, binary, booleans

reference = np.logical_or
CASES = [*binary(booleans, booleans)]
MUTANTS = [("math.h", "|", "&")]
BENCH = [Case(booleans((2048, 1024)), booleans((2048, 1024)))]
