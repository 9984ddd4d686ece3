"""Cases of cross_entropy_mean; the reference is that of cross_entropy, over the weights of the labels that count."""

import numpy as np

import powertrain as pt
from cases import cross_entropy
from kit import Array, Case, integers, normal, uniform, values


def over_weights(rows: Array, labels: Array, weight: Array | None, ignore_index: int | None) -> Array:
    kept = labels != ignore_index
    counted = np.ones(labels.shape) if weight is None else weight[np.where(kept, labels, 0)]
    return np.asarray(rows.sum() / np.where(kept, counted, 0.0).sum())


def reference(
    logits: Array,
    labels: Array,
    weight: Array | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Array:
    rows = cross_entropy.reference(logits, labels, weight, label_smoothing, ignore_index)
    return over_weights(rows, labels, weight, ignore_index)


def magnitude(logits: Array, *rest: object, **settings: object) -> Array:
    return np.asarray(np.abs(logits).max(initial=0.0) + 8.0)


# What the mean of nll_loss is tried with as well.
SHARED = [
    *[Case(normal((rows, 7)), integers((rows,), 0, 7, dtype)) for rows in (1, 5, 33) for dtype in ("int32", "int64")],
    Case(normal((2, 3, 10)), integers((2, 3), 0, 10), ignore_index=-100),
    Case(normal((3, 10)), integers((3,), 0, 10), uniform((10,), 0.5, 2.0)),
    Case(normal((4, 3)), values([0, 1, 2, 1], "int64"), uniform((3,), 0.5, 2.0), ignore_index=1),
]
MISFIT = Case(normal((2, 8)), integers((3,), 0, 8))
SAID_OF_IT = "input is f32[2, 8], target is i32[3]; expected one label per row of input; drop or add an axis of target"

CASES = [*SHARED, Case(normal((4, 3)), values([0, -100, 2, -100], "int64"), ignore_index=-100, label_smoothing=0.1)]
ERRORS = [(MISFIT, pt.ShapeError, f"[cross_entropy_mean] {SAID_OF_IT}")]
MUTANTS = [("spec.cpp", "in[1], in[2], attrs", "in[1], Tensor(), attrs")]
BENCH = [Case(normal((4096, 1000)), integers((4096,), 0, 1000), ignore_index=-100)]
