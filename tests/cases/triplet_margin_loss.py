"""Cases of triplet_margin_loss; the reference is its definition in NumPy."""

import numpy as np

import powertrain as pt
from cases.pairwise_distance import magnitude as length
from cases.pairwise_distance import reference as distance
from kit import Array, Case, normal


def reference(
    anchor: Array,
    positive: Array,
    negative: Array,
    margin: float = 1.0,
    ord: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
) -> Array:
    apart = distance(anchor, negative, ord, eps)
    if swap:
        apart = np.minimum(apart, distance(positive, negative, ord, eps))
    return np.maximum(distance(anchor, positive, ord, eps) - apart + margin, 0)


def magnitude(
    anchor: Array, positive: Array, negative: Array, margin: float = 1.0, ord: float = 2.0, **rest: Array
) -> Array:
    return length(anchor, positive, ord) + length(anchor, negative, ord) + length(positive, negative, ord) + margin


CASES = [
    *[Case(normal((3, n)), normal((3, n)), normal((3, n))) for n in (1, 5, 33)],
    Case(normal((3, 5)), normal((5,)), normal((3, 5)), margin=2.0, ord=1.0),
    Case(normal((6, 5)), normal((6, 5)), normal((6, 5)), margin=3.0, swap=True),
]
ERRORS = [
    (
        Case(normal((2, 3)), normal((2, 3)), normal((2, 3)), margin=0.0),
        pt.ShapeError,
        "[triplet_margin_loss] margin = 0.0; expected a number above 0; for example margin = 1.0",
    ),
]
MUTANTS = [("spec.cpp", "distance(near, far))", "apart)"), ("spec.cpp", "- apart +", "+ apart +")]
BENCH = [Case(normal((2048, 256)), normal((2048, 256)), normal((2048, 256)))]
