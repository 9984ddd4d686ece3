"""Cases of copysign; the reference is numpy.copysign."""

import numpy as np

from kit import Case, binary, normal, special_pairs

reference = np.copysign
K = 1
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*binary(normal, normal), Case(*special_pairs()).no_gradient()]
MUTANTS = [
    ("spec.cpp", "-size, size", "size, -size"),
    ("spec.cpp", "same, fn::number(1), fn::number(-1)", "same, fn::number(1), fn::number(1)"),
]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
