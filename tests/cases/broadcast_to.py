"""Cases of broadcast_to; the reference is numpy.broadcast_to."""

from numpy import broadcast_to as reference

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
BENCH = [Case(normal((1024,)), shape=(2048, 1024))]
