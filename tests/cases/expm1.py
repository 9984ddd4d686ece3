"""Cases of expm1; the reference is numpy.expm1."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.expm1
K = 2
CASES = [*unary(normal), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "fn::exp(c.in[0])", "c.out[0]")]
BENCH = [Case(normal((2048, 1024)))]
