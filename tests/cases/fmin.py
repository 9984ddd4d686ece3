"""Cases of fmin; the reference is numpy.fmin."""

import numpy as np

from kit import Case, binary, integers, normal, spaced, special_pairs, uniform

reference = np.fmin
K = 0
GRADIENT_SIZE = 60  # with many elements one is within a step of a kink
CASES = [
    *binary(lambda s: spaced(s, 0.5), lambda s: uniform(s, 0.05, 0.2)),
    Case(*special_pairs()).no_gradient(),
    Case(integers((40,), -9, 9), integers((40,), -9, 9)),
]
MUTANTS = [("spec.cpp", "fn::logical_or(", "fn::logical_and(")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
