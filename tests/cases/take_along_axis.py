"""Cases of take_along_axis; the reference is numpy.take_along_axis."""

from numpy import take_along_axis

import powertrain as pt
from kit import Array, Case, integers, normal, values


def reference(x: Array, index: Array, axis: int) -> Array:
    return take_along_axis(x, index, axis)


K = 0
CASES = [
    Case(normal((3, 7)), integers((3, 4), -7, 7, "int64"), axis=1),
    Case(normal((3, 7)), integers((2, 7), 0, 3, "int32"), axis=0),
    Case(normal((2, 5, 3)), integers((2, 1, 3), 0, 5, "int64"), axis=1),
    Case(normal((3, 7)), integers((3, 0), 0, 7, "int64"), axis=-1),
    Case(normal((9,)), integers((33,), 0, 9, "int64"), axis=0),
]
ERRORS = [
    (
        Case(normal((3, 2)), values([0], "int64"), axis=0),
        pt.ShapeError,
        "[take_along_axis] x is f32[3, 2], indices is i64[1]; expected int32 or int64 indices with as many axes as x; reshape indices",
    ),
    (
        Case(normal((3,)), values([7], "int64"), axis=0),
        pt.IndexError,
        "[take_along_axis] received an index out of range; expected every index within the axis that it reads; check the labels or token ids against the size",
    ),
]
BENCH = [Case(normal((1024, 1000)), integers((1024, 1), 0, 1000, "int64"), axis=1)]
