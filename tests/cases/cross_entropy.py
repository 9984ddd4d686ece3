"""Cases of cross_entropy; the reference is minus scipy.special.log_softmax at the label, one value per row."""

import numpy as np
from scipy.special import log_softmax

import powertrain as pt
from kit import Array, Case, integers, normal, uniform, values


def pick(rows: Array, labels: Array) -> Array:
    return np.take_along_axis(rows, labels[..., None].astype("int64"), -1)[..., 0]


def reference(
    logits: Array,
    labels: Array,
    weight: Array | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Array:
    if not logits.size:
        return np.zeros(labels.shape)
    weight = np.ones(logits.shape[-1]) if weight is None else weight
    kept = labels != ignore_index
    cost = -weight * log_softmax(logits, -1)
    loss = pick(cost, np.where(kept, labels, 0))
    if label_smoothing:
        loss = (1 - label_smoothing) * loss + label_smoothing * cost.mean(-1)
    return np.where(kept, loss, 0.0)


def magnitude(logits: Array, labels: Array, weight: Array | None = None, **rest: object) -> Array:
    return (np.abs(logits).max(-1, initial=0.0) + 2.0) * (1.0 if weight is None else weight.max())


CASES = [
    *[
        Case(normal((rows, n)), integers((rows,), 0, n, dtype))
        for rows in (0, 1, 5, 33)
        for n, dtype in ((2, "int32"), (10, "int64"), (65, "int64"), (1025, "int32"))
    ],
    Case(normal((2, 3, 10)), integers((2, 3), 0, 10)),
    Case(normal((3, 10), 1.0, 500.0), integers((3,), 0, 10)).no_gradient(),
    Case(normal((3, 10)), integers((3,), 0, 10), label_smoothing=0.1),
    Case(normal((3, 10)), integers((3,), 0, 10), uniform((10,), 0.5, 2.0)),
    Case(normal((3, 10)), integers((3,), -10, 10), uniform((10,), 0.5, 2.0), label_smoothing=0.3),
    Case(normal((4, 3)), values([0, -100, 2, -100], "int64"), ignore_index=-100),
    Case(normal((4, 3)), values([0, 1, 2, 1], "int64"), uniform((3,), 0.5, 2.0), label_smoothing=0.1, ignore_index=1),
]
ERRORS = [
    (
        Case(normal((2, 8)), integers((3,), 0, 8)),
        pt.ShapeError,
        "[cross_entropy] input is f32[2, 8], target is i32[3]; expected one label per row of input; drop or add an axis of target",
    ),
    (
        Case(normal((2, 8, 4, 5)), integers((2, 4, 5), 0, 8)),
        pt.ShapeError,
        "[cross_entropy] input is f32[2, 8, 4, 5], target is i32[2, 4, 5]; expected one label per row of input; classes are the last axis here: move axis 1 of input behind the others",
    ),
    (
        Case(normal((2, 8)), normal((2,))),
        pt.DTypeError,
        "[cross_entropy] target is f32[2]; expected integers; convert it with astype",
    ),
    (
        Case(normal((2, 3)), values([0, 3], "int64")),
        pt.IndexError,
        "[cross_entropy] received an index out of range; expected every index within the axis that it reads; check the labels or token ids against the size",
    ),
]
MUTANTS = [
    ("spec.cpp", "fn::where(kept, g, fn::number(0))", "g"),
    ("spec.cpp", "(1 - s) * own + even", "own + even"),
    ("spec.cpp", "p * sum - target", "p - target"),
]
BENCH = [Case(normal((64, 10)), integers((64,), 0, 10)), Case(normal((256, 50257)), integers((256,), 0, 50257))]
