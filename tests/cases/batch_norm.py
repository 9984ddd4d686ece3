"""Cases of batch_norm in training mode; the reference is NumPy. It also returns the mean and variance of the batch."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def statistics(x: Array) -> tuple[Array, Array]:
    axes = tuple(range(x.ndim - 1))
    return x.mean(axes), x.var(axes)


def reference(x: Array, w: Array, b: Array, eps: float = 1e-5) -> tuple[Array, Array, Array]:
    mean, var = statistics(x)
    return (x - mean) / np.sqrt(var + eps) * w + b, mean, var


def magnitude(x: Array, w: Array, b: Array, eps: float = 1e-5) -> tuple[Array, Array, Array]:
    _, var = statistics(x)
    size = np.abs(x).mean(tuple(range(x.ndim - 1)))
    return (np.abs(x) + size) / np.sqrt(var + eps) * np.abs(w) + np.abs(b), size, var + 2.0**-23 * size**2


K = 8
CASES = [
    *[Case(normal((n, 5)), normal((5,)), normal((5,))) for n in (2, 17, 33, 300)],
    Case(normal((2, 4, 4, 3)), normal((3,)), normal((3,))),
    Case(normal((2, 5, 5, 33)), normal((33,)), normal((33,)), eps=1e-3),
    Case(normal((64, 4), 1.0, 20.0), normal((4,)), normal((4,))),
]
ERRORS = [
    (
        Case(normal((2, 8)), normal((7,)), normal((8,))),
        pt.ShapeError,
        "[batch_norm] weight is f32[7], input is f32[2, 8]; weight must be [8]; pass one number per channel of input",
    ),
    (
        Case(normal((8,)), normal((8,)), normal((8,))),
        pt.ShapeError,
        "[batch_norm] input is f32[8]; expected at least two axes, channels last, with elements; reshape input",
    ),
]
BENCH = [Case(normal((32, 32, 32, 64)), normal((64,)), normal((64,)))]
