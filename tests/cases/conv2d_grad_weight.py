"""Cases of conv2d_grad_weight(x, g); the reference is images.convolve_back_weight."""

from typing import Any

import numpy as np

from images import convolve_back_weight
from kit import Array, Case, normal


def magnitude(x: Array, g: Array, **rest: Any) -> Array:
    return convolve_back_weight(np.abs(x), np.abs(g), **rest)


reference = convolve_back_weight
K = 8
CASES = [
    Case(normal((2, 6, 6, 3)), normal((2, 6, 6, 4)), padding=1, kernel_size=(3, 3)),
    Case(normal((1, 7, 7, 2)), normal((1, 4, 4, 5)), stride=2, padding=1, kernel_size=(3, 3)),
    Case(normal((1, 9, 9, 2)), normal((1, 9, 9, 3)), dilation=2, padding=2, kernel_size=(3, 3)),
    Case(normal((2, 5, 5, 4)), normal((2, 5, 5, 6)), groups=2, padding=1, kernel_size=(3, 3)),
    Case(normal((1, 6, 6, 8)), normal((1, 6, 6, 8)), groups=8, padding=1, kernel_size=(3, 3)),
    Case(normal((3, 20, 20, 1)), normal((3, 20, 20, 2)), padding=1, kernel_size=(3, 3)),
    Case(normal((0, 6, 6, 3)), normal((0, 4, 4, 4)), kernel_size=(3, 3)),
    Case(normal((6, 7, 6, 33)), normal((6, 7, 6, 34)), padding=1, kernel_size=(3, 3)),
]
BENCH = [Case(normal((64, 14, 14, 32)), normal((64, 14, 14, 64)), padding=2, kernel_size=(5, 5))]
