"""Cases of roll; the reference is numpy.roll."""

import numpy as np

import powertrain as pt
from kit import Case, booleans, integers, normal

reference = np.roll
K = 0
CASES = [
    *[Case(normal((3, 5)), shift=shift) for shift in (0, 1, -2, 17)],
    *[Case(normal((3, 5, 2)), shift=shift, axis=axis) for shift, axis in ((1, 0), (-7, -1), ((1, 2), (0, 1)))],
    Case(normal((3, 5)), shift=1, axis=(0, 1)),
    Case(normal((0, 3)), shift=1),
    Case(normal((0, 3)), shift=2, axis=0),
    Case(integers((7,), 0, 9), shift=3),
    Case(booleans((7,)), shift=3),
]
ERRORS = [
    (
        Case(normal((2, 3)), shift=(1, 2)),
        pt.ShapeError,
        "[roll] shift = (1, 2), axis = None; expected one number for all elements; pass an axis for each",
    ),
    (
        Case(normal((2, 3)), shift=(1, 2, 3), axis=(0, 1)),
        pt.ShapeError,
        "[roll] shift = (1, 2, 3), axis = (0, 1); expected one number, or one per axis; pass as many of both",
    ),
]
MUTANTS = [("spec.cpp", "(-shift) % n", "shift % n")]
BENCH = [Case(normal((2048, 1024)), shift=7, axis=1)]
