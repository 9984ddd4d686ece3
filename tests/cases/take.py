"""Cases of take; the reference is numpy.take: negative indices count from the end."""

from numpy import take

import powertrain as pt
from kit import Array, Case, integers, normal, values


def reference(x: Array, index: Array, axis: int = 0) -> Array:
    return take(x, index, axis)


K = 0
CASES = [
    *[Case(normal((7, 5)), integers(shape, -7, 7)) for shape in ((), (0,), (4,), (2, 3), (40,))],
    Case(normal((3, 7, 5)), integers((4,), 0, 7), axis=1),
    Case(normal((3, 7)), integers((2, 4), -7, 7, "int64"), axis=-1),
    Case(normal((7, 33)), values([2, 2, 2, 0, 2], "int32")),
    Case(integers((9,), 0, 99), integers((4,), 0, 9)),
]
ERRORS = [
    (
        Case(normal((3,)), normal((2,))),
        pt.DTypeError,
        "[take] indices is f32[2]; expected integers; convert it with astype",
    ),
    (
        Case(normal((3,)), values([3], "int64")),
        pt.IndexError,
        "[take] received an index out of range; expected every index within the axis that it reads; check the labels or token ids against the size",
    ),
    (
        Case(normal((3,)), values([-4], "int64")),
        pt.IndexError,
        "[take] received an index out of range; expected every index within the axis that it reads; check the labels or token ids against the size",
    ),
    (
        Case(normal((3,)), values([0], "int64"), axis=1),
        pt.IndexError,
        "[take] axis = 1 of a tensor with 1 dimensions; expected -1 to 0; name an axis that exists",
    ),
]
BENCH = [Case(normal((50257, 768)), integers((256,), 0, 50257))]
