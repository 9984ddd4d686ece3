"""Cases of divide; the reference is numpy.divide."""

import numpy as np

from kit import Case, binary, normal, special_pairs, uniform

reference = np.divide
K = 1
CASES = [*binary(normal, lambda s: uniform(s, 0.5, 4)), Case(*special_pairs()).no_gradient()]
MUTANTS = [("math.h", "a / b", "a * b"), ("spec.cpp", "-(over * c.out[0])", "(over * c.out[0])")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024))), Case(normal((2048, 1024)), normal((1024,)))]
