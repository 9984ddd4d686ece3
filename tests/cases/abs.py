"""Cases of abs; the reference is numpy.abs."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.abs
K = 1
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*unary(normal), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", 'fn::call("sign", {c.in[0]})', 'fn::call("abs", {c.in[0]})')]
BENCH = [Case(normal((2048, 1024)))]
