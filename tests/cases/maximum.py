"""Cases of maximum; the reference is numpy.maximum."""

import numpy as np

import powertrain as pt
from kit import Case, binary, integers, normal, special_pairs, values

reference = np.maximum
K = 0
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [
    *binary(normal, normal),
    Case(*special_pairs()).no_gradient(),
    # Ties: each side has half of the gradient.
    Case(values([1.0, 2.0, 3.0]), values([1.0, 5.0, 3.0])).no_second_derivative(),
    Case(integers((40,), -5, 5), integers((40,), -5, 5)),
]
ERRORS = [
    (
        Case(normal((2,)), normal((3,))),
        pt.ShapeError,
        "[maximum] shapes [2] and [3] do not broadcast: sizes 2 and 3 at axis -1; expected equal sizes or a size of 1; reshape one of them",
    ),
]
MUTANTS = [
    ("math.h", "propagating_max", "propagating_min"),
    ("spec.cpp", "fn::less(b, a)", "fn::less(a, b)"),
    ("spec.cpp", "0.5 * c.grad[0]", "c.grad[0]"),
]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024))), Case(normal((2048, 1024)), normal((1024,)))]
