"""Cases of pixel_shuffle; the reference places each channel by its number."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(x: Array, factor: int) -> Array:
    n, h, w, c = x.shape
    channels = c // factor**2
    y = np.zeros((n, h * factor, w * factor, channels), x.dtype)
    for k in range(c):
        i, j = k // factor % factor, k % factor
        y[:, i::factor, j::factor, k // factor**2] = x[..., k]
    return y


K = 0
CASES = [
    *[Case(normal((2, 3, 4, 3 * r * r)), factor=r) for r in (1, 2, 3)],
    Case(integers((1, 2, 2, 4), 0, 9), factor=2),
]
ERRORS = [
    (
        Case(normal((1, 2, 2, 6)), factor=2),
        pt.ShapeError,
        "[pixel_shuffle] x is f32[1, 2, 2, 6], factor = 2; expected [n, h, w, channels] with channels that the square of "
        "factor divides; change the channels",
    ),
    (
        Case(normal((1, 2, 2, 4)), factor=2**40),
        pt.ShapeError,
        "[pixel_shuffle] factor = 1099511627776; expected an integer from 1 to 2147483647; pass other numbers",
    ),
]
MUTANTS = [("spec.cpp", "{0, 1, 4, 2, 5, 3}", "{0, 1, 5, 2, 4, 3}")]
BENCH = [Case(normal((8, 64, 64, 64)), factor=2)]
