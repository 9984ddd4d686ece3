"""Cases of bin_counts; the reference counts what that of bin_index gives."""

import numpy as np

import powertrain as pt
from cases import bin_index
from kit import Array, Case, integers, normal, values


def reference(x: Array, edges: Array) -> Array:
    n = len(edges) - 1
    return np.bincount(bin_index.reference(x, edges).ravel(), minlength=n + 1)[:n]


EDGES = values([-2.0, -0.5, 0.0, 0.25, 1.5])
CASES = [
    Case(normal((33,)), EDGES),
    Case(normal((3, 0)), EDGES),
    Case(integers((4, 10), -4, 5), values([-2.0, -1.0, 1.0, 3.0])),
    Case(integers((40,), -4, 5, "int64"), values([-2, 0, 3], "int64")),
]
ERRORS = [
    (
        Case(normal((2,)), normal((1,))),
        pt.ShapeError,
        "[bin_counts] edges is f32[1]; expected two or more; pass their places",
    ),
]
MUTANTS = [("spec.cpp", '{"start", Ints{0}}, {"stop", Ints{n}}', '{"start", Ints{1}}, {"stop", Ints{n + 1}}')]
BENCH = [Case(normal((1 << 18,)), values(np.linspace(-3, 3, 65)))]
