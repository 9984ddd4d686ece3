"""Cases of cosh; the reference is numpy.cosh."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.cosh
K = 6
CASES = [*unary(lambda s: normal(s, 2.0)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", 'fn::call("sinh", {x})', 'fn::call("cosh", {x})')]
BENCH = [Case(normal((2048, 1024)))]
