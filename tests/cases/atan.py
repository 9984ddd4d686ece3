"""Cases of atan; the reference is numpy.arctan."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.arctan
CASES = [*unary(lambda s: normal(s, 3.0)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "fn::square(c.in[0]) + 1.0", "fn::square(c.in[0]) + 2.0")]
BENCH = [Case(normal((2048, 1024), 3.0))]
