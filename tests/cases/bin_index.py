"""Cases of bin_index; the reference is numpy.searchsorted, and the last bin holds its right edge."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal, values


def reference(x: Array, edges: Array) -> Array:
    n = len(edges) - 1
    place = np.where(x == edges[-1], n, np.searchsorted(edges, x, "right")) - 1
    return np.where((place < 0) | (place > n), n, place)


EDGES = values([-2.0, -0.5, 0.0, 0.25, 1.5])
CASES = [
    Case(normal((33,)), EDGES),
    Case(normal((3, 5)), values([0.0, 1.0])),
    Case(integers((40,), -4, 5), values([-2.0, -1.0, 1.0, 3.0])),
    Case(integers((40,), -4, 5, "int64"), values([-2, 0, 3], "int64")),
    Case(values([-np.inf, -2.0, -0.0, 1.5, 1.75, np.inf, np.nan]), EDGES),
]
ERRORS = [
    (
        Case(normal((2,)), normal((1,))),
        pt.ShapeError,
        "[bin_index] edges is f32[1]; expected two or more; pass their places",
    ),
]
MUTANTS = [("spec.cpp", "fn::less(place, number(0))", "fn::less(place, number(-1))")]
BENCH = [Case(normal((1 << 18,)), values(np.linspace(-3, 3, 65)))]
