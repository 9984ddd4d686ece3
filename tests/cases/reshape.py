"""Cases of reshape; the reference is numpy.reshape."""

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(x: Array, shape: tuple[int, ...]) -> Array:
    return x.reshape(shape)


K = 0
CASES = [
    *[
        Case(normal(old), shape=new)
        for old, new in (
            ((6,), (2, 3)),
            ((2, 3), (6,)),
            ((2, 3), (3, 2)),
            ((2, 3, 4), (-1, 4)),
            ((1,), ()),
            ((), (1, 1)),
            ((0, 3), (0,)),
            ((4, 1, 5), (4, 5)),
            ((33, 17), (17, 33)),
        )
    ],
    Case(integers((2, 6), 0, 9), shape=(3, 4)),
]
ERRORS = [
    (
        Case(normal((2, 3)), shape=(4, 2)),
        pt.ShapeError,
        "[reshape] x is f32[2, 3] with 6 elements, shape = (4, 2); expected the same number of elements; pass -1 for one of the sizes",
    ),
    (
        Case(normal((2, 3)), shape=(-1, -1)),
        pt.ShapeError,
        "[reshape] shape = (-1, -1); expected sizes of at least 0, and -1 at most once; pass the sizes",
    ),
]
BENCH = [Case(normal((2048, 1024)), shape=(1024, 2048))]
