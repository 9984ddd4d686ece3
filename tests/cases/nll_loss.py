"""Cases of nll_loss; the reference is minus x at the label, times the weight of the class."""

import numpy as np

import powertrain as pt
from cases.cross_entropy import pick
from kit import Array, Case, integers, normal, uniform, values


def reference(x: Array, labels: Array, weight: Array | None = None, ignore_index: int | None = None) -> Array:
    kept = labels != ignore_index
    places = np.where(kept, labels, 0)
    return np.where(kept, -pick(x, places) * (1.0 if weight is None else weight[places]), 0.0)


CASES = [
    *[Case(normal((rows, 7)), integers((rows,), -7, 7, dtype)) for rows in (0, 1, 5) for dtype in ("int32", "int64")],
    Case(normal((2, 3, 7)), integers((2, 3), 0, 7, "int8")),
    Case(normal((5, 7)), integers((5,), 0, 7), uniform((7,), 0.5, 2.0)),
    Case(normal((4, 3)), values([0, -100, 2, -100], "int64"), ignore_index=-100),
    Case(normal((4, 3)), values([0, 1, 2, 1], "int64"), uniform((3,), 0.5, 2.0), ignore_index=1),
]
ERRORS = [
    (
        Case(normal((2, 8)), integers((3,), 0, 8)),
        pt.ShapeError,
        "[nll_loss] input is f32[2, 8], target is i32[3]; expected one label per row of input; drop or add an axis of target",
    ),
    (
        Case(normal((2, 8)), integers((2,), 0, 8), normal((7,))),
        pt.ShapeError,
        "[nll_loss] weight is f32[7], input is f32[2, 8]; expected one weight per class; reshape it",
    ),
    (
        Case(normal((2, 8)), normal((2,))),
        pt.DTypeError,
        "[nll_loss] target is f32[2]; expected integers; convert it with astype",
    ),
]
MUTANTS = [("spec.cpp", "fn::where(kept, loss, fn::number(0))", "loss"), ("spec.cpp", "loss * fn::call", "fn::call")]
BENCH = [Case(normal((4096, 1000)), integers((4096,), 0, 1000))]
