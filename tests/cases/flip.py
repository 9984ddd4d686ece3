"""Cases of flip; the reference is numpy.flip."""

from numpy import flip

from kit import Array, Case, normal


def reference(x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    return flip(x, axis)


K = 0
CASES = [
    Case(normal(shape), axis=axis)
    for shape, axis in (
        ((5,), 0),
        ((3, 5), 0),
        ((3, 5), 1),
        ((3, 5), (0, 1)),
        ((3, 5), None),
        ((0, 3), 0),
        ((2, 33, 3), 1),
    )
]
BENCH = [Case(normal((2048, 1024)), axis=1)]
