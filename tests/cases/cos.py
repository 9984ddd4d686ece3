"""Cases of cos; the reference is numpy.cos."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.cos
K = 2
CASES = [*unary(lambda s: normal(s, 3.0)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "{-(c.grad[0]", "{(c.grad[0]")]
BENCH = [Case(normal((2048, 1024), 3.0))]
