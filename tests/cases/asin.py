"""Cases of asin; the reference is numpy.arcsin."""

import numpy as np

from kit import Case, special, unary, uniform

reference = np.arcsin
CASES = [*unary(lambda s: uniform(s, -0.95, 0.95)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "(1.0 - x) * (x + 1.0)", "(1.0 - x) * (x + 2.0)")]
BENCH = [Case(uniform((2048, 1024), -0.95, 0.95))]
