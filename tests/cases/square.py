"""Cases of square; the reference is numpy.square."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.square
K = 1
CASES = [*unary(normal), Case(special()).no_gradient()]
MUTANTS = [("math.h", "x * x", "x"), ("spec.cpp", "2.0 * ", "")]
BENCH = [Case(normal((2048, 1024)))]
