"""Cases of grid_sample; the reference reads each place by itself in NumPy, after PyTorch's definition."""

from __future__ import annotations

import numpy as np

import powertrain as pt
from kit import Array, Case, Draw, normal, values


def cubic(x: float) -> float:
    a, x = -0.75, abs(x)
    return (a + 2) * x**3 - (a + 3) * x**2 + 1 if x <= 1 else a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a


def mirrored(x: float, low: float, high: float) -> float:
    """By walking back and forth."""
    if high == low:
        return low
    while not low <= x <= high:
        x = 2 * low - x if x < low else 2 * high - x
    return x


def moved(x: float, size: int, padding: str, corners: bool) -> float:
    if padding == "zeros":
        return x
    if padding == "reflection":
        x = mirrored(x, 0 if corners else -0.5, size - 1 if corners else size - 0.5)
    return min(max(x, 0.0), size - 1.0)


def taps(place: float, size: int, mode: str, padding: str, corners: bool) -> list[tuple[int, float]]:
    """Which elements of an axis are read, and their weights; those outside are zeros."""
    x = (place + 1) / 2 * (size - 1) if corners else ((place + 1) * size - 1) / 2
    if not np.isfinite(x):
        x = -100.0
    if mode == "bicubic":
        first = np.floor(x)
        found = [(moved(first + k, size, padding, corners), cubic(x - first - k)) for k in (-1, 0, 1, 2)]
    else:
        x = moved(x, size, padding, corners)
        first = np.round(x) if mode == "nearest" else np.floor(x)
        found = [(first, 1.0)] if mode == "nearest" else [(first, 1 - (x - first)), (first + 1, x - first)]
    return [(int(at), weight) for at, weight in found if 0 <= at < size]


def reference(
    x: Array, grid: Array, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool = False
) -> Array:
    n, rows, columns, _ = grid.shape
    y = np.zeros((n, rows, columns, x.shape[3]))
    for place in np.ndindex(n, rows, columns):
        across, down = grid[place]
        for i, height in taps(down, x.shape[1], mode, padding_mode, align_corners):
            for j, width in taps(across, x.shape[2], mode, padding_mode, align_corners):
                y[place] += height * width * x[place[0], i, j]
    return y


def magnitude(x: Array, grid: Array, **settings: object) -> Array:
    # A place has lost some of its digits: as many more as it has pixels in front of it.
    most = np.max(np.abs(x), axis=(1, 2), initial=0.0)[:, None, None, :]
    return np.broadcast_to(most * (1 + 2 * max(x.shape[1:3])), reference(x, grid, **settings).shape)


def places(shape: tuple[int, ...], height: int, width: int, corners: bool = False, beyond: int = 3) -> Draw:
    """Between pixels, where a small step meets no other ones; some beyond the border."""

    def make(rng: np.random.Generator) -> Array:
        sizes = np.array([width, height], "float64")
        pixels = rng.integers(-beyond, sizes + beyond, (*shape, 2)) + rng.uniform(0.15, 0.4, (*shape, 2))
        return pixels * 2 / np.maximum(sizes - 1, 1) - 1 if corners else (2 * pixels + 1) / sizes - 1

    return Draw(f"places({shape}, {height}, {width}, {corners})", make, (*shape, 2))


K = 8
DTYPES = ("float32", "float64")  # a place in 16 bits lies in another pixel
SETTINGS = [(mode, padding) for mode in ("bilinear", "nearest", "bicubic") for padding in ("zeros", "border", "reflection")]
CASES = [
    *(
        Case(normal((2, 4, 5, 3)), places((2, 3, 6), 4, 5, corners), mode=mode, padding_mode=padding,
             align_corners=corners)
        for mode, padding in SETTINGS for corners in (False, True)
    ),
    Case(normal((1, 6, 7, 17)), places((1, 4, 4), 6, 7)),
    Case(normal((1, 1, 3, 2)), places((1, 2, 2), 1, 3, True), padding_mode="reflection", align_corners=True),
    Case(normal((0, 4, 5, 3)), places((0, 3, 6), 4, 5)),
    Case(normal((1, 3, 3, 2)), values([[[[-1.0, 1.0], [np.inf, 0.0], [np.nan, np.nan], [1e30, -1e30]]]])).no_gradient(),
]  # fmt: skip
ERRORS = [
    (
        Case(normal((2, 4, 5, 3)), normal((1, 3, 6, 2))),
        pt.ShapeError,
        "[grid_sample] x is f32[2, 4, 5, 3], grid is f32[1, 3, 6, 2]; expected [n, h, w, channels] and [n, oh, ow, 2]; reshape one",
    ),
]
MUTANTS = [
    ("spec.cpp", "fn::where(odd, span - rest, rest)", "rest"),
    ("spec.cpp", "fn::less(x, last), x, last", "fn::less(x, last), x, first"),
    ("spec.cpp", "0.5 * (n * (place + 1.0) - 1.0)", "0.5 * n * (place + 1.0)"),
]
BENCH = [Case(normal((8, 64, 64, 32)), places((8, 64, 64), 64, 64))]
