"""Cases of nll_loss_mean; the reference is that of nll_loss, over the weights of the labels that count."""

import powertrain as pt
from cases import nll_loss
from cases.cross_entropy_mean import over_weights
from kit import Array, Case, integers, normal, uniform, values


def reference(x: Array, labels: Array, weight: Array | None = None, ignore_index: int | None = None) -> Array:
    return over_weights(nll_loss.reference(x, labels, weight, ignore_index), labels, weight, ignore_index)


CASES = [
    *[Case(normal((rows, 7)), integers((rows,), 0, 7, dtype)) for rows in (1, 5, 33) for dtype in ("int32", "int64")],
    Case(normal((2, 3, 10)), integers((2, 3), 0, 10), ignore_index=-100),
    Case(normal((3, 10)), integers((3,), 0, 10), uniform((10,), 0.5, 2.0)),
    Case(normal((4, 3)), values([0, 1, 2, 1], "int64"), uniform((3,), 0.5, 2.0), ignore_index=1),
]
ERRORS = [
    (
        Case(normal((2, 8)), integers((3,), 0, 8)),
        pt.ShapeError,
        "[nll_loss_mean] input is f32[2, 8], target is i32[3]; expected one label per row of input; drop or add an axis of target",
    )
]
MUTANTS = [("spec.cpp", "in[1], in[2], attrs", "in[1], Tensor(), attrs")]
BENCH = [Case(normal((4096, 1000)), integers((4096,), 0, 1000), ignore_index=-100)]
