"""Cases of take; the reference is numpy.take: negative indices count from the end."""

from numpy import take

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
BENCH = [Case(normal((50257, 768)), integers((256,), 0, 50257))]
