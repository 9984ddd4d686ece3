"""Cases of atan2; the reference is numpy.arctan2."""

import numpy as np

from kit import Case, binary, normal, special_pairs, uniform

reference = np.arctan2
CASES = [*binary(normal, lambda s: uniform(s, 0.3, 2.0)), Case(*special_pairs()).no_gradient()]
MUTANTS = [("spec.cpp", "-(share * y)", "share * y")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
