"""Cases of any; the reference is numpy.any."""

import numpy as np

from kit import Case, booleans, reductions

reference = np.any
CASES = reductions(booleans)
BENCH = [Case(booleans((2048, 1024)), axis=1)]
