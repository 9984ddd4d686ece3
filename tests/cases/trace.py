"""Cases of trace; the reference is numpy.trace of the last two axes."""

import numpy as np

from kit import Array, Case, integers, normal


def reference(x: Array, offset: int = 0) -> Array:
    return np.trace(x, offset, -2, -1)


def magnitude(x: Array, offset: int = 0) -> Array:
    return np.trace(np.abs(x), offset, -2, -1)


CASES = [
    *[Case(normal(shape), offset=k) for shape in ((4, 4), (3, 5)) for k in (-2, 0, 1, 6)],
    Case(normal((2, 3, 40, 40))),
    Case(integers((3, 3), 0, 9)),
]
MUTANTS = [("spec.cpp", "{in[0]}, attrs)", "{in[0]})")]
BENCH = [Case(normal((64, 256, 256)))]
