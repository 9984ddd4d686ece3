"""Cases of acosh; the reference is numpy.arccosh."""

import numpy as np

from kit import Case, special, unary, uniform

reference = np.arccosh
CASES = [*unary(lambda s: uniform(s, 1.1, 9.0)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "(x - 1.0) * (x + 1.0)", "(x + 1.0) * (x + 1.0)")]
BENCH = [Case(uniform((2048, 1024), 1.1, 9.0))]
