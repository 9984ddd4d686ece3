"""Cases of grid_sample; the reference reads each place by itself in NumPy, after PyTorch's definition."""

from __future__ import annotations

import itertools
import math

import numpy as np

import powertrain as pt
from kit import Array, Case, Draw, normal, values


def cubic(x: float) -> float:
    a, x = -0.75, abs(x)
    return (a + 2) * x**3 - (a + 3) * x**2 + 1 if x <= 1 else a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a


def mirrored(x: float, low: float, high: float) -> float:
    """By walking back and forth; from no number, and from nowhere near, there is no way."""
    if high == low:
        return 0.0 * x + low
    if not np.isfinite(x):
        return math.nan
    while not low <= x <= high:
        x = 2 * low - x if x < low else 2 * high - x
    return x


def moved(x: float, size: int, padding: str, corners: bool) -> float:
    if padding == "zeros":
        return x
    if padding == "reflection":
        x = mirrored(x, 0 if corners else -0.5, size - 1 if corners else size - 0.5)
    return 0.0 if np.isnan(x) else min(max(x, 0.0), size - 1.0)


def taps(place: float, size: int, mode: str, padding: str, corners: bool) -> list[tuple[int, float]]:
    """Which elements of an axis are read, and their weights; those outside are zeros."""
    x = (place + 1) / 2 * (size - 1) if corners else ((place + 1) * size - 1) / 2
    if mode == "bicubic":
        x = x if np.isfinite(x) else -100.0
        first = np.floor(x)
        found = [(moved(first + k, size, padding, corners), cubic(x - first - k)) for k in (-1, 0, 1, 2)]
    else:
        x = moved(x, size, padding, corners)
        x = x if np.isfinite(x) else -100.0
        first = np.round(x) if mode == "nearest" else np.floor(x)
        found = [(first, 1.0)] if mode == "nearest" else [(first, 1 - (x - first)), (first + 1, x - first)]
    return [(int(at), weight) for at, weight in found if 0 <= at < size]


def reference(
    x: Array, grid: Array, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool = False
) -> Array:
    y = np.zeros((*grid.shape[:-1], x.shape[-1]))
    for place in np.ndindex(*grid.shape[:-1]):
        # The last axis of space comes first in a place.
        along = [
            taps(at, size, mode, padding_mode, align_corners)
            for at, size in zip(grid[place][::-1], x.shape[1:-1], strict=True)
        ]
        for chosen in itertools.product(*along):
            weight = math.prod(weight for _, weight in chosen)
            y[place] += weight * x[(place[0], *(at for at, _ in chosen))]
    return y


def magnitude(x: Array, grid: Array, **settings: object) -> Array:
    # A place has lost some of its digits: as many more as it has pixels in front of it.
    most = np.max(np.abs(x), axis=(*range(1, x.ndim - 1),), keepdims=True, initial=0.0)
    return np.broadcast_to(most * (1 + 2 * max(x.shape[1:-1])), reference(x, grid, **settings).shape)


def places(shape: tuple[int, ...], *sizes: int, corners: bool = False, beyond: int = 3) -> Draw:
    """Between pixels, where a small step meets no other ones; some beyond the border."""

    def make(rng: np.random.Generator) -> Array:
        n = np.array(sizes[::-1], "float64")
        whole = (*shape, len(sizes))
        pixels = rng.integers(-beyond, n + beyond, whole) + rng.uniform(0.15, 0.4, whole)
        return pixels * 2 / np.maximum(n - 1, 1) - 1 if corners else (2 * pixels + 1) / n - 1

    return Draw(f"places({shape}, {sizes}, {corners})", make, (*shape, len(sizes)))


K = 8
DTYPES = ("float32", "float64")  # a place in 16 bits lies in another pixel
SETTINGS = [
    (mode, padding) for mode in ("bilinear", "nearest", "bicubic") for padding in ("zeros", "border", "reflection")
]
CASES = [
    *(
        Case(normal((2, 4, 5, 3)), places((2, 3, 6), 4, 5, corners=corners), mode=mode, padding_mode=padding,
             align_corners=corners)
        for mode, padding in SETTINGS for corners in (False, True)
    ),
    Case(normal((1, 6, 7, 17)), places((1, 4, 4), 6, 7)),
    Case(normal((1, 1, 3, 2)), places((1, 2, 2), 1, 3, corners=True), padding_mode="reflection", align_corners=True),
    Case(normal((0, 4, 5, 3)), places((0, 3, 6), 4, 5)),
    *(
        Case(normal((2, 3, 4, 5, 2)), places((2, 2, 3, 2), 3, 4, 5, corners=corners), mode=mode, padding_mode=padding,
             align_corners=corners)
        for mode, padding in SETTINGS for corners in (False, True) if mode != "bicubic"
    ),
    Case(normal((1, 1, 3, 2, 3)), places((1, 2, 2, 2), 1, 3, 2, corners=True), align_corners=True),
    *(
        Case(normal((1, 3, 3, 2)), values([[[[-1.0, 1.0], [np.inf, 0.0], [np.nan, np.nan], [0.2, -np.inf]]]]), mode=mode,
             padding_mode=padding).no_gradient()
        for mode, padding in SETTINGS
    ),
    Case(normal((1, 3, 3, 2)), values([[[[1e30, -1e30]]]])).no_gradient(),
]  # fmt: skip
ERRORS = [
    (
        Case(normal((2, 4, 5, 3)), normal((1, 3, 6, 2))),
        pt.ShapeError,
        "[grid_sample] input is f32[2, 4, 5, 3], grid is f32[1, 3, 6, 2]; expected [n, h, w, channels] and [n, oh, ow, 2], or [n, d, h, w, channels] and [n, od, oh, ow, 3]; reshape one",
    ),
    (
        Case(normal((1, 3, 4, 5, 2)), normal((1, 2, 2, 2, 3)), mode="bicubic"),
        pt.ShapeError,
        "[grid_sample] mode = bicubic, input is f32[1, 3, 4, 5, 2]; expected an image [n, h, w, channels]; use bilinear or nearest for volumes",
    ),
]
MUTANTS = [
    ("spec.cpp", "fn::where(odd, span - rest, rest)", "rest"),
    ("spec.cpp", "fn::less(x, last), x, last", "fn::less(x, last), x, first"),
    ("spec.cpp", "start.back() = axes - axis", "start.back() = axis - 1"),
    ("spec.cpp", "0.5 * (n * (place + 1.0) - 1.0)", "0.5 * n * (place + 1.0)"),
]
BENCH = [Case(normal((8, 64, 64, 32)), places((8, 64, 64), 64, 64))]
