"""Cases of acos; the reference is numpy.arccos."""

import numpy as np

from kit import Case, special, unary, uniform

reference = np.arccos
CASES = [*unary(lambda s: uniform(s, -0.95, 0.95)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "-fn::rsqrt", "fn::rsqrt")]
BENCH = [Case(uniform((2048, 1024), -0.95, 0.95))]
