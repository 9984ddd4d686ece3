"""Cases of minimum; the reference is numpy.minimum."""

import numpy as np

from kit import Case, binary, integers, normal, special_pairs, values

reference = np.minimum
K = 0
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [
    *binary(normal, normal),
    Case(*special_pairs()).no_gradient(),
    # Ties: each side has half of the gradient.
    Case(values([1.0, 2.0, 3.0]), values([1.0, 5.0, 3.0])).no_second_derivative(),
    Case(integers((40,), -5, 5), integers((40,), -5, 5)),
]
MUTANTS = [("math.h", "propagating_min", "propagating_max"), ("spec.cpp", "fn::greater(b, a)", "fn::greater(a, b)")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024))), Case(normal((2048, 1024)), normal((1024,)))]
