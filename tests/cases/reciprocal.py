"""Cases of reciprocal; the reference is numpy.reciprocal."""

import numpy as np

from kit import Case, special, unary, uniform

reference = np.reciprocal
K = 1
CASES = [*unary(lambda s: uniform(s, 0.5, 10)), Case(special()).no_gradient()]
MUTANTS = [("math.h", "V(1) / x", "x"), ("spec.cpp", "{-(c.grad[0]", "{(c.grad[0]")]
BENCH = [Case(uniform((2048, 1024), 0.5, 10))]
