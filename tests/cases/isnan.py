"""Cases of isnan; the reference is numpy.isnan."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.isnan
CASES = [*unary(normal), Case(special())]
BENCH = [Case(normal((2048, 1024)))]
