"""Cases of isinf; the reference is numpy.isinf."""

import numpy as np

from kit import Case, normal, special, unary

reference = np.isinf
DTYPES = ("float32", "float64", "bfloat16")  # float16 makes infinities of what it cannot hold
CASES = [*unary(normal), Case(special())]
MUTANTS = [("spec.cpp", 'fn::call("abs", {in[0]})', "in[0]")]
BENCH = [Case(normal((2048, 1024)))]
