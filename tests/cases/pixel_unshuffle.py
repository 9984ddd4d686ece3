"""Cases of pixel_unshuffle; the reference takes each channel by its number."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def reference(x: Array, factor: int) -> Array:
    parts = [x[:, i::factor, j::factor, c] for c in range(x.shape[3]) for i in range(factor) for j in range(factor)]
    return np.stack(parts, -1)


K = 0
CASES = [Case(normal((2, 3 * r, 2 * r, 3)), factor=r) for r in (1, 2, 3)]
ERRORS = [
    (
        Case(normal((1, 3, 2, 6)), factor=2),
        pt.ShapeError,
        "[pixel_unshuffle] x is f32[1, 3, 2, 6], factor = 2; expected [n, h, w, channels] with rows and columns that "
        "factor divides; pad x",
    ),
]
BENCH = [Case(normal((8, 64, 64, 64)), factor=2)]
