"""Cases of pixel_unshuffle; the reference takes each channel by its number."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def reference(x: Array, downscale_factor: int) -> Array:
    parts = [
        x[:, i::downscale_factor, j::downscale_factor, c]
        for c in range(x.shape[3])
        for i in range(downscale_factor)
        for j in range(downscale_factor)
    ]
    return np.stack(parts, -1)


K = 0
CASES = [Case(normal((2, 3 * r, 2 * r, 3)), downscale_factor=r) for r in (1, 2, 3)]
ERRORS = [
    (
        Case(normal((1, 3, 2, 6)), downscale_factor=2),
        pt.ShapeError,
        "[pixel_unshuffle] input is f32[1, 3, 2, 6], downscale_factor = 2; expected [n, h, w, channels] with rows and columns that "
        "downscale_factor divides; pad input",
    ),
]
BENCH = [Case(normal((8, 64, 64, 64)), downscale_factor=2)]
