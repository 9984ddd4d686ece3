"""Cases of asinh; the reference is numpy.arcsinh."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.arcsinh
CASES = [*unary(lambda s: normal(s, 5.0)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "rsqrt(fn::square(x) + 1.0)", "rsqrt(fn::square(x) + 2.0)")]
BENCH = [Case(normal((2048, 1024)))]
