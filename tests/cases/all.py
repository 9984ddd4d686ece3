"""Cases of all; the reference is numpy.all."""

import numpy as np

from kit import Case, booleans, reductions

reference = np.all
CASES = reductions(booleans)
BENCH = [Case(booleans((2048, 1024)), axis=1)]
