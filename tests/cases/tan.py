"""Cases of tan; the reference is numpy.tan."""

import numpy as np

from kit import Case, normal, special, unary, uniform

reference = np.tan
K = 6
CASES = [*unary(lambda s: uniform(s, -1.4, 1.4)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", ") + 1.0", ") - 1.0")]
BENCH = [Case(normal((2048, 1024)))]
