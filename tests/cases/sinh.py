"""Cases of sinh; the reference is numpy.sinh."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.sinh
K = 6
CASES = [*unary(lambda s: normal(s, 2.0)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", 'fn::call("cosh", {x})', 'fn::call("sinh", {x})')]
BENCH = [Case(normal((2048, 1024)))]
