"""Cases of pixel_shuffle; the reference places each channel by its number."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(x: Array, upscale_factor: int) -> Array:
    n, h, w, c = x.shape
    channels = c // upscale_factor**2
    y = np.zeros((n, h * upscale_factor, w * upscale_factor, channels), x.dtype)
    for k in range(c):
        i, j = k // upscale_factor % upscale_factor, k % upscale_factor
        y[:, i::upscale_factor, j::upscale_factor, k // upscale_factor**2] = x[..., k]
    return y


K = 0
CASES = [
    *[Case(normal((2, 3, 4, 3 * r * r)), upscale_factor=r) for r in (1, 2, 3)],
    Case(integers((1, 2, 2, 4), 0, 9), upscale_factor=2),
]
ERRORS = [
    (
        Case(normal((1, 2, 2, 6)), upscale_factor=2),
        pt.ShapeError,
        "[pixel_shuffle] input is f32[1, 2, 2, 6], upscale_factor = 2; expected [n, h, w, channels] with channels that the square of "
        "upscale_factor divides; change the channels",
    ),
    (
        Case(normal((1, 2, 2, 4)), upscale_factor=2**40),
        pt.ShapeError,
        "[pixel_shuffle] upscale_factor = 1099511627776; expected an integer from 1 to 2147483647; pass other numbers",
    ),
]
MUTANTS = [("spec.cpp", "{0, 1, 4, 2, 5, 3}", "{0, 1, 5, 2, 4, 3}")]
BENCH = [Case(normal((8, 64, 64, 64)), upscale_factor=2)]
