"""Cases of moveaxis; the reference is numpy.moveaxis."""

import numpy as np

import powertrain as pt
from kit import Case, integers, normal

reference = np.moveaxis
K = 0
CASES = [
    *[Case(normal((2, 3, 4)), source=a, destination=b) for a in (0, 1, -1) for b in (0, 1, 2, -1)],
    Case(normal((2, 3, 4, 5)), source=(0, 1), destination=(-1, -2)),
    Case(integers((2, 3, 4), 0, 9), source=(2, 0), destination=(0, 1)),
]
ERRORS = [
    (
        Case(normal((2, 3)), source=(0, 0), destination=(0, 1)),
        pt.ShapeError,
        "[moveaxis] source = (0, 0) names an axis twice; expected each axis once; remove the duplicate",
    ),
    (
        Case(normal((2, 3)), source=(0, 1), destination=(0,)),
        pt.ShapeError,
        "[moveaxis] source = (0, 1), destination = (0,); expected as many of both; pass one place per axis",
    ),
    (
        Case(normal((2, 3)), source=2, destination=0),
        pt.IndexError,
        "[moveaxis] axis = 2 of a tensor with 2 dimensions; expected -2 to 1; name an axis that exists",
    ),
]
MUTANTS = [
    (
        "spec.cpp",
        "order[static_cast<std::size_t>(destination[i])] = source[i]",
        "order[static_cast<std::size_t>(source[i])] = destination[i]",
    )
]
BENCH = [Case(normal((64, 128, 256)), source=0, destination=2)]
