"""Cases of sin; the reference is numpy.sin."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.sin
K = 2
CASES = [*unary(lambda s: normal(s, 3.0)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", 'c.grad[0] * fn::call("cos"', 'c.grad[0] * fn::call("sin"')]
BENCH = [Case(normal((2048, 1024), 3.0))]
