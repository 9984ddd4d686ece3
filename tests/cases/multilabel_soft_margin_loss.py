"""Cases of multilabel_soft_margin_loss; the reference is the mean of numpy.logaddexp."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal, uniform


def reference(x: Array, target: Array, weight: Array | float = 1.0) -> Array:
    return np.mean(weight * (target * np.logaddexp(0, -x) + (1 - target) * np.logaddexp(0, x)), -1)


CASES = [
    *[Case(normal((3, n)), uniform((3, n))) for n in (1, 5, 33)],
    Case(normal((2, 3, 5)), uniform((2, 3, 5)), uniform((5,), 0.5, 2.0)),
]
ERRORS = [
    (
        Case(normal((2, 8)), normal((2, 7))),
        pt.ShapeError,
        "[multilabel_soft_margin_loss] input is f32[2, 8], target is f32[2, 7]; expected one shape of at least one axis; reshape target",
    ),
]
MUTANTS = [("spec.cpp", "fn::mean(loss", "fn::sum(loss")]
BENCH = [Case(normal((2048, 256)), uniform((2048, 256)))]
