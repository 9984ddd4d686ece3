"""Cases of tril; the reference is numpy.tril."""

import numpy as np

import powertrain as pt
from kit import Case, booleans, integers, normal

reference = np.tril
K = 0
CASES = [
    *[Case(normal(shape), k=k) for shape in ((4, 4), (3, 5), (5, 3)) for k in (-6, -1, 0, 1, 6)],
    Case(normal((2, 3, 4, 4))),
    Case(normal((0, 3))),
    Case(integers((3, 3), 1, 9)),
    Case(booleans((3, 3))),
]
ERRORS = [
    (Case(normal((2,))), pt.ShapeError, "[tril] x is f32[2]; expected at least two axes; reshape x"),
]
MUTANTS = [("spec.cpp", 'attrs.integer("k"), true', 'attrs.integer("k"), false')]
BENCH = [Case(normal((64, 256, 256)))]
