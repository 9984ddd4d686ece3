"""Cases of exp; the reference is numpy.exp."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.exp
K = 2
CASES = [*unary(normal), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "c.grad[0] * c.out[0]", "c.grad[0]")]
BENCH = [Case(normal((2048, 1024)))]
