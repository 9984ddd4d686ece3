"""Cases of rms_norm; the reference is NumPy, from Zhang and Sennrich 2019, equation 4."""

import numpy as np

import powertrain as pt
from kit import Array, Case, around, normal


def reference(x: Array, w: Array, eps: float = 1e-6) -> Array:
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps) * w


K = 8
CASES = [
    *[Case(normal((r, n)), normal((n,))) for r in (0, 1, 3) for n in around(16, 1024)],
    Case(normal((3, 1)), normal((1,))).no_gradient(),  # x / |x|: of x the gradient is what eps leaves
    Case(normal((2, 3, 20)), normal((20,)), eps=1e-3),
    Case(normal((3, 20), 1e-4), normal((20,))),
]
ERRORS = [
    (
        Case(normal((2, 8)), normal((7,))),
        pt.ShapeError,
        "[rms_norm] weight is f32[7], input is f32[2, 8]; weight must be [8]; pass one number per column of input",
    ),
    (
        Case(normal((2, 8)), normal((8,)), eps=-1.0),
        pt.ShapeError,
        "[rms_norm] eps = -1.0; expected a number of at least 0; for example eps = 1e-06",
    ),
]
BENCH = [Case(normal((8192, 4096)), normal((4096,)))]
