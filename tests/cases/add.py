"""Cases of add; the reference is numpy.add."""

import numpy as np

from kit import Case, binary, integers, normal, special_pairs

reference = np.add
K = 1
CASES = [
    *binary(normal, normal),
    Case(*special_pairs()).no_gradient(),
    Case(integers((40,), -50, 50), integers((40,), -50, 50)),
]
MUTANTS = [
    ("math.h", "a + b", "a - b"),
    ("spec.cpp", "unbroadcast(c.grad[0], c.in_types[1].shape)", "unbroadcast(-c.grad[0], c.in_types[1].shape)"),
]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024))), Case(normal((2048, 1024)), normal((1024,)))]
