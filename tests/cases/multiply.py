"""Cases of multiply; the reference is numpy.multiply."""

import numpy as np

from kit import Case, binary, integers, normal, special_pairs

reference = np.multiply
K = 1
CASES = [
    *binary(normal, normal),
    Case(*special_pairs()).no_gradient(),
    Case(integers((40,), -50, 50), integers((40,), -50, 50)),
]
MUTANTS = [("math.h", "a * b", "a + b"), ("spec.cpp", "c.grad[0] * c.in[1]", "c.grad[0] * c.in[0]")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024))), Case(normal((2048, 1024)), normal((1024,)))]
