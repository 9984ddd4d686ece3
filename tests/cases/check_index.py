"""Cases of check_index; the reference is the index itself, and numpy.take for whether it is one."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, values


def reference(index: Array, size: int) -> Array:
    np.take(np.zeros(size), index)
    return index


K = 0
_WRONG = (
    "[check_index] received an index out of range; expected every index within the axis that it reads; check the "
    "labels or token ids against the size"
)
CASES = [
    *[Case(integers(shape, -7, 7), size=7) for shape in ((), (0,), (4,), (2, 3), (16385,))],
    Case(integers((5, 33), 0, 100, "int64"), size=100),
]
ERRORS = [
    (Case(values([0, 3], "int32"), size=3), pt.IndexError, _WRONG),
    (Case(values([-4, 0], "int64"), size=3), pt.IndexError, _WRONG),
    (
        Case(values([0.0], "float32"), size=3),
        pt.DTypeError,
        "[check_index] index is f32[1]; expected integers; convert it with astype",
    ),
]
MUTANTS = [("cpu.cpp", "bad |=", "bad &="), ("spec.cpp", '{0, attrs.integer("size")}', "{0, 1}")]
BENCH = [Case(integers((1 << 20,), 0, 50257), size=50257)]
