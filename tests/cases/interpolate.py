"""Cases of interpolate; the reference is matrices of weights in NumPy, after PyTorch's definition."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def cubic(x: float) -> float:
    a, x = -0.75, abs(x)
    return (a + 2) * x**3 - (a + 3) * x**2 + 1 if x <= 1 else a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a


def weights(old: int, new: int, mode: str, corners: bool) -> Array:
    w = np.zeros((new, old))
    for i in range(new):
        if mode == "nearest":
            w[i, int(i * old / new)] = 1
            continue
        at = (i * (old - 1) / (new - 1) if new > 1 else 0.0) if corners else (i + 0.5) * old / new - 0.5
        if mode == "bilinear":
            at = max(at, 0.0)
        low = int(np.floor(at))
        t = at - low
        offsets = (-1, 0, 1, 2) if mode == "bicubic" else (0, 1)
        for offset in offsets:
            share = cubic(t - offset) if mode == "bicubic" else 1 - abs(t - offset)
            w[i, min(max(low + offset, 0), old - 1)] += share
    return w


def reference(x: Array, size: int | tuple[int, int], mode: str = "nearest", align_corners: bool = False) -> Array:
    rows, columns = (size, size) if isinstance(size, int) else size
    a, b = weights(x.shape[1], rows, mode, align_corners), weights(x.shape[2], columns, mode, align_corners)
    return np.einsum("ih,jw,nhwc->nijc", a, b, x)


def magnitude(x: Array, size: int | tuple[int, int], mode: str = "nearest", align_corners: bool = False) -> Array:
    return np.full(reference(x, size, mode, align_corners).shape, np.abs(x).max())


K = 16
CASES = [
    *[
        Case(normal((2, 4, 5, 3)), size=size, mode=mode)
        for size in (1, 3, (8, 7))
        for mode in ("nearest", "bilinear", "bicubic")
    ],
    *[
        Case(normal((1, 4, 5, 2)), size=size, mode=mode, align_corners=True)
        for size in (1, (8, 3))
        for mode in ("bilinear", "bicubic")
    ],
]
ERRORS = [
    (
        Case(normal((4, 5, 3)), size=8),
        pt.ShapeError,
        "[interpolate] x is f32[4, 5, 3], size = (8,); expected [n, h, w, channels] and one or two sizes above 0; reshape x",
    ),
]
MUTANTS = [("spec.cpp", "at = std::max(at, 0.0)", "at = std::max(at, 0.25)"), ("spec.cpp", "- 0.5;", "- 0.25;")]
BENCH = [Case(normal((8, 64, 64, 32)), size=128, mode="bilinear")]
