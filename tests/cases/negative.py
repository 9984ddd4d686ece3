"""Cases of negative; the reference is numpy.negative."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.negative
K = 1
CASES = [*unary(normal), Case(special()).no_gradient()]
MUTANTS = [("math.h", "-x", "x"), ("spec.cpp", "{-c.grad[0]}", "{c.grad[0]}")]
BENCH = [Case(normal((2048, 1024)))]
