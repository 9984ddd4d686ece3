"""Cases of cross_entropy; the reference is minus scipy.special.log_softmax at the label, one value per row."""

import numpy as np
from scipy.special import log_softmax

from kit import Array, Case, integers, normal


def pick(rows: Array, labels: Array) -> Array:
    return np.take_along_axis(rows, labels[..., None].astype("int64"), -1)[..., 0]


def reference(logits: Array, labels: Array) -> Array:
    return -pick(log_softmax(logits, -1), labels) if logits.size else np.zeros(labels.shape)


def magnitude(logits: Array, labels: Array) -> Array:
    return np.abs(logits).max(-1, initial=0.0) + 2.0


CASES = [
    *[
        Case(normal((rows, n)), integers((rows,), 0, n, dtype))
        for rows in (0, 1, 5, 33)
        for n, dtype in ((2, "int32"), (10, "int64"), (65, "int64"), (1025, "int32"))
    ],
    Case(normal((2, 3, 10)), integers((2, 3), 0, 10)),
    Case(normal((3, 10), 1.0, 500.0), integers((3,), 0, 10)).no_gradient(),
]
BENCH = [Case(normal((64, 10)), integers((64,), 0, 10)), Case(normal((256, 50257)), integers((256,), 0, 50257))]
