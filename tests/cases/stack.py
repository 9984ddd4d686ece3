"""Cases of stack; the reference is numpy.stack."""

from numpy import stack

from kit import Array, Case, normal


def reference(tensors: list[Array], axis: int = 0) -> Array:
    return stack(tensors, axis)


K = 0
CASES = [
    *[Case([normal((2, 3)), normal((2, 3)), normal((2, 3))], axis=axis) for axis in (0, 1, 2, -1)],
    Case([normal(()), normal(())], axis=0),
    Case([normal((0, 3)), normal((0, 3))], axis=1),
    Case([normal((17,))], axis=0),
]
BENCH = [Case([normal((1024, 1024)), normal((1024, 1024))], axis=1)]
