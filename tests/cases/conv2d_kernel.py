"""Cases of conv2d_kernel; the reference is images.convolve."""

import numpy as np

from images import convolve
from kit import Array, Case, normal


def magnitude(x: Array, w: Array, **rest: int) -> Array:
    return convolve(np.abs(x), np.abs(w), **rest)


reference = convolve
K = 8
CASES = [
    Case(normal((2, 6, 6, 3)), normal((3, 3, 3, 4)), padding=1),
    Case(normal((1, 7, 9, 2)), normal((3, 3, 2, 17)), stride=(2, 1), padding=(0, 1)),
    Case(normal((1, 9, 9, 2)), normal((3, 3, 2, 3)), dilation=2, padding=2),
    Case(normal((2, 5, 5, 4)), normal((3, 3, 2, 6)), groups=2, padding=1),
    Case(normal((2, 7, 6, 33)), normal((3, 3, 33, 34)), padding=1),
]
BENCH = [Case(normal((64, 14, 14, 32)), normal((5, 5, 32, 64)), padding=2)]
