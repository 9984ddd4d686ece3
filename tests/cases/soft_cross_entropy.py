"""Cases of soft_cross_entropy; the reference is scipy.special.log_softmax, weighted by the target."""

import numpy as np
from scipy.special import log_softmax

import powertrain as pt
from kit import Array, Case, normal, uniform


def reference(logits: Array, target: Array, weight: Array | float = 1.0) -> Array:
    return -np.sum(target * weight * log_softmax(logits, -1), -1)


def magnitude(logits: Array, target: Array, weight: Array | float = 1.0) -> Array:
    largest = np.abs(logits).max(-1, keepdims=True) + 2.0
    return np.sum(np.abs(target * weight) * largest, -1)


K = 8
CASES = [
    *[Case(normal((3, n)), uniform((3, n))) for n in (1, 5, 33)],
    Case(normal((2, 3, 5)), uniform((2, 3, 5)), uniform((5,), 0.5, 2.0)),
]
ERRORS = [
    (
        Case(normal((2, 8)), normal((2, 7))),
        pt.ShapeError,
        "[soft_cross_entropy] input is f32[2, 8], target is f32[2, 7]; expected one shape, and one weight per class if any; reshape target",
    ),
]
MUTANTS = [("spec.cpp", "share * widened(in[2])", "share")]
BENCH = [Case(normal((4096, 1000)), uniform((4096, 1000)))]
