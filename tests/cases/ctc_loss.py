"""Cases of ctc_loss; the reference is that of ctc_rows, with zeros for what cannot be said."""

import numpy as np

import powertrain as pt
from cases.ctc_rows import reference as rows
from kit import Array, Case, integers, normal, values


def reference(
    log_probs: Array, labels: Array, steps: Array, lengths: Array, blank: int = 0, zero_infinity: bool = False
) -> Array:
    losses = rows(log_probs, labels, steps, lengths, blank)
    return np.where(np.isinf(losses), 0.0, losses) if zero_infinity else losses


def magnitude(log_probs: Array, *rest: Array, **settings: int) -> Array:
    # Every step adds a number.
    return np.sum(np.max(np.abs(log_probs), axis=-1, initial=0.0), axis=-1) + 1.0


SECOND = False
LABELS = values([[1, 2, 0], [1, 1, 0], [2, 2, 2]], "int32")
CASES = [
    Case(normal((3, 5, 3)), LABELS, values([5, 3, 4], "int32"), values([2, 2, 3], "int64"), zero_infinity=True),
    Case(
        normal((2, 6, 4)), values([[0, 1], [2, 0]], "int64"), values([6, 4], "int64"), values([2, 2], "int64"), blank=3
    ),
    Case(normal((3, 5, 3)), LABELS, values([5, 3, 4], "int64"), values([2, 2, 3], "int64")).no_gradient(),
    Case(normal((3, 2, 3)), LABELS, values([2, 0, 0], "int64"), values([2, 2, 0], "int64")).no_gradient(),
]
ERRORS = [
    (
        Case(normal((3, 5, 3)), normal((3, 3)), values([5, 3, 4], "int32"), values([2, 2, 3], "int64")),
        pt.DTypeError,
        "[ctc_loss] targets is f32[3, 3]; expected integers; convert it with astype",
    ),
]
MUTANTS = [
    ("cpu.cpp", "classes[i] != classes[i - 2]", "true"),
    ("cpu.cpp", "k >= row.states - 2", "k >= row.states - 1"),
    ("cpu.cpp", "row.states == 1 ? 0.0 : -kNever", "0.0"),
    ("spec.cpp", "fn::where(never, fn::number(0), loss)", "loss"),
]
BENCH = [
    Case(normal((16, 200, 32)), integers((16, 40), 1, 32, "int64"), integers((16,), 150, 200, "int64"),
         integers((16,), 20, 40, "int64"), zero_infinity=True),
]  # fmt: skip
