"""Cases of power; the reference is numpy.power."""

import numpy as np

import powertrain as pt
from kit import Case, binary, integers, normal, special_pairs, uniform, values

reference = np.power
K = 4
CASES = [
    *binary(lambda shape: uniform(shape, 0.2, 3.0), normal),
    Case(*special_pairs()).no_gradient(),
    Case(normal((40,)), 2.0),
    Case(normal((40,)), 3),
    Case(integers((40,), -3, 4), integers((40,), 0, 6)),
]
ERRORS = [
    (
        Case(normal((2, 3)), normal((4,))),
        pt.ShapeError,
        "[pow] shapes [2, 3] and [4] do not broadcast: sizes 3 and 4 at axis -1; expected equal sizes or a size of 1; reshape one of them",
    ),
]
# x^0 is 1 everywhere, and 0^b is 0 for all b above 0.
GRADIENTS = [
    (
        Case(values([0.0, np.inf, 0.0, 2.0]), values([0.0, 0.0, 2.0, 3.0])),
        ([0.0, 0.0, 0.0, 12.0], [0.0, np.inf, 0.0, 8.0 * np.log(2.0)]),
    )
]
MUTANTS = [
    ("spec.cpp", "b - 1.0", "b"),
    ("spec.cpp", "c.out[0] * fn::log(a)", "fn::log(a)"),
    ("spec.cpp", "fn::where(fn::equal(b, zero), zero, slope)", "slope"),
]
BENCH = [Case(uniform((2048, 1024), 0.2, 3.0), normal((2048, 1024)))]
