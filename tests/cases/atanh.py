"""Cases of atanh; the reference is numpy.arctanh."""

import numpy as np

from kit import Case, special, unary, uniform

reference = np.arctanh
CASES = [*unary(lambda s: uniform(s, -0.95, 0.95)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "(1.0 - x) * (x + 1.0)", "(1.0 - x) * (1.0 - x)")]
BENCH = [Case(uniform((2048, 1024), -0.95, 0.95))]
