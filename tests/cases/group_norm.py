"""Cases of group_norm; the reference is its definition in NumPy, in two passes."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def reference(
    x: Array, w: Array | float | None = None, b: Array | float | None = None, num_groups: int = 1, eps: float = 1e-5
) -> Array:
    parts = x.reshape(x.shape[0], -1, num_groups, x.shape[-1] // num_groups)
    centered = parts - parts.mean((1, 3), keepdims=True)
    y = (centered / np.sqrt(parts.var((1, 3), keepdims=True) + eps)).reshape(x.shape)
    return y * (1.0 if w is None else w) + (0.0 if b is None else b)


def magnitude(
    x: Array, w: Array | None = None, b: Array | None = None, num_groups: int = 1, eps: float = 1e-5
) -> Array:
    size = np.abs(reference(x, None, None, num_groups, eps)) + 4.0
    return size * (1.0 if w is None else np.abs(w)) + (0.0 if b is None else np.abs(b))


K = 8
CASES = [
    *[Case(normal((2, 3, 4, 6)), normal((6,)), normal((6,)), num_groups=g) for g in (1, 2, 6)],
    Case(normal((3, 8)), num_groups=2),
    Case(normal((2, 5, 4)), normal((4,)), num_groups=2, eps=0.1),
]
ERRORS = [
    (
        Case(normal((2, 5)), num_groups=2),
        pt.ShapeError,
        "[group_norm] input is f32[2, 5], num_groups = 2; expected [n, ..., channels] with elements and a number that divides "
        "the channels; change groups",
    ),
    (
        Case(normal((2, 4)), normal((2,)), num_groups=2),
        pt.ShapeError,
        "[group_norm] weight is f32[2], input is f32[2, 4]; expected one number per channel; reshape it",
    ),
]
MUTANTS = [
    ("spec.cpp", "places * cut[2]", "places"),
    ("spec.cpp", "value * by.mean(weighted(along))", "value * by.mean(along)"),
]
BENCH = [Case(normal((16, 32, 32, 64)), normal((64,)), normal((64,)), num_groups=8)]
