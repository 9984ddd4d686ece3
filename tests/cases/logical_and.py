"""Cases of logical_and; the reference is numpy.logical_and."""

import numpy as np

from kit import Case, binary, booleans

reference = np.logical_and
CASES = [*binary(booleans, booleans)]
MUTANTS = [("math.h", "&", "|")]
BENCH = [Case(booleans((2048, 1024)), booleans((2048, 1024)))]
