"""Cases of conv2d_grad_input(g, w); the reference is images.convolve_back_input."""

from typing import Any

import numpy as np

from images import convolve_back_input
from kit import Array, Case, normal


def magnitude(g: Array, w: Array, **rest: Any) -> Array:
    return convolve_back_input(np.abs(g), np.abs(w), **rest)


reference = convolve_back_input
K = 8
CASES = [
    Case(normal((2, 6, 6, 4)), normal((3, 3, 3, 4)), padding=1, image=(6, 6)),
    Case(normal((1, 4, 4, 5)), normal((3, 3, 2, 5)), stride=2, padding=1, image=(7, 7)),
    Case(normal((1, 3, 9, 17)), normal((3, 3, 2, 17)), stride=(2, 1), padding=(0, 1), image=(7, 9)),
    Case(normal((1, 9, 9, 3)), normal((3, 3, 2, 3)), dilation=2, padding=2, image=(9, 9)),
    Case(normal((2, 5, 5, 6)), normal((3, 3, 2, 6)), groups=2, padding=1, image=(5, 5)),
    Case(normal((1, 3, 3, 16)), normal((3, 3, 1, 16)), groups=8, stride=2, padding=1, image=(6, 6)),
    Case(normal((1, 4, 4, 4)), normal((1, 1, 3, 4)), stride=2, image=(8, 8)),
    Case(normal((2, 7, 6, 34)), normal((3, 3, 33, 34)), padding=1, image=(7, 6)),
]
BENCH = [Case(normal((64, 14, 14, 64)), normal((5, 5, 32, 64)), padding=2, image=(14, 14))]
