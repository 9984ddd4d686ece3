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
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
) -> Array:
    apart = distance(anchor, negative, p, eps)
    if swap:
        apart = np.minimum(apart, distance(positive, negative, p, eps))
    return np.maximum(distance(anchor, positive, p, eps) - apart + margin, 0)


def magnitude(
    anchor: Array, positive: Array, negative: Array, margin: float = 1.0, p: float = 2.0, **rest: Array
) -> Array:
    return length(anchor, positive, p) + length(anchor, negative, p) + length(positive, negative, p) + margin


CASES = [
    *[Case(normal((3, n)), normal((3, n)), normal((3, n))) for n in (1, 5, 33)],
    Case(normal((3, 5)), normal((5,)), normal((3, 5)), margin=2.0, p=1.0),
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
