"""Cases of hypot; the reference is numpy.hypot."""

import numpy as np

from kit import Case, binary, normal, special_pairs, uniform

reference = np.hypot
CASES = [*binary(normal, lambda s: uniform(s, 0.3, 2.0)), Case(*special_pairs()).no_gradient()]
MUTANTS = [("spec.cpp", "return b /", "return a /"), ("math.h", "low * low", "low")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
