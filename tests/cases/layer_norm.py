"""Cases of layer_norm; the reference is NumPy: mean and variance of each row in two passes."""

import numpy as np

import powertrain as pt
from kit import Array, Case, around, normal


def normalized(x: Array, eps: float) -> Array:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)


def reference(x: Array, w: Array, b: Array, eps: float = 1e-5) -> Array:
    return normalized(x, eps) * w + b


def magnitude(x: Array, w: Array, b: Array, eps: float = 1e-5) -> Array:
    spread = np.sqrt(x.var(-1, keepdims=True) + eps)
    return (np.abs(x) + np.abs(x).mean(-1, keepdims=True)) / spread * np.abs(w) + np.abs(b)


K = 8
CASES = [
    *[Case(normal((3, n)), normal((n,)), normal((n,))) for n in (3, 10, *around(16, 1024))],
    Case(normal((3, 2)), normal((2,)), normal((2,))).no_gradient(),  # signs: of x the gradient is what eps leaves
    Case(normal((2, 3, 20)), normal((20,)), normal((20,)), eps=1e-3),
    Case(normal((0, 8)), normal((8,)), normal((8,))),
    Case(normal((3, 64), 1.0, 30.0), normal((64,)), normal((64,))),
]
ERRORS = [
    (
        Case(normal((2, 8)), normal((7,)), normal((8,))),
        pt.ShapeError,
        "[layer_norm] weight is f32[7], input is f32[2, 8]; weight must be [8]; pass one number per column of input",
    ),
    (
        Case(normal((2, 8)), normal((8,)), normal((8,)), eps=-1.0),
        pt.ShapeError,
        "[layer_norm] eps = -1.0; expected a number of at least 0; for example eps = 1e-05",
    ),
]
BENCH = [Case(normal((2048, 768)), normal((768,)), normal((768,)))]
