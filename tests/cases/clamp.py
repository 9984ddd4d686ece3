"""Cases of clamp; the reference is numpy.clip."""

import numpy as np

from kit import SIZES, Case, integers, normal, special, values

reference = np.clip
K = 0
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [
    *[Case(normal((n,)), values(-0.5), values(0.75)) for n in SIZES],
    Case(normal((3, 1, 5)), normal((4, 1)), normal((3, 1, 1))),  # low above high, too
    Case(special(), values(-1.0), values(2.5)).no_gradient(),
    Case(special(), values([[-np.inf], [0.0], [np.inf]]), values([[0.0], [np.inf], [-1e-40]])).no_gradient(),
    Case(integers((40,), -9, 9), integers((40,), -9, 0), integers((40,), 0, 9)),
]
MUTANTS = [
    ("math.h", "x < low", "x <= low"),
    ("spec.cpp", "where_above(low, zero, g)", "where_above(low, g, zero)"),
]
BENCH = [Case(normal((2048, 1024)), values(-0.5), values(0.5))]
