"""Cases of reshape; the reference is numpy.reshape."""

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
BENCH = [Case(normal((2048, 1024)), shape=(1024, 2048))]
