"""Cases of broadcast_to; the reference is numpy.broadcast_to."""

from numpy import broadcast_to as reference

import powertrain as pt
from kit import Case, normal

__all__ = ["reference"]
K = 0
CASES = [
    Case(normal(old), shape=new)
    for old, new in (
        ((3,), (2, 3)),
        ((2, 1), (2, 5)),
        ((), (4,)),
        ((1, 3, 1), (2, 3, 4)),
        ((3,), (3,)),
        ((1,), (0,)),
        ((1, 1), (33, 17)),
    )
]
ERRORS = [
    (
        Case(normal((3,)), shape=(2, 4)),
        pt.ShapeError,
        "[broadcast_to] x is f32[3], shape = (2, 4); expected each size of x to be that of the shape, counted from the end, or 1; reshape x",
    ),
    (
        Case(normal((3,)), shape=(-1, 3)),
        pt.ShapeError,
        "[broadcast_to] shape = (-1, 3); expected sizes of at least 0; pass other numbers",
    ),
]
BENCH = [Case(normal((1024,)), shape=(2048, 1024))]
