"""Cases of isfinite; the reference is numpy.isfinite."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.isfinite
CASES = [*unary(normal), Case(special())]
MUTANTS = [("math.h", "x - x == V(0)", "x == x")]
BENCH = [Case(normal((2048, 1024)))]
