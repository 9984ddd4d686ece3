"""Cases of interpolate; the reference weighs pixels in NumPy, after PyTorch's definition."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def cubic(x: float) -> float:
    a, x = -0.75, abs(x)
    return (a + 2) * x**3 - (a + 3) * x**2 + 1 if x <= 1 else a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a


def taps(old: int, new: int, mode: str, corners: bool, scale_factor: float | None) -> list[list[tuple[int, float]]]:
    """For each element along an axis: which ones it is made of, and how much of each."""
    found: list[list[tuple[int, float]]] = []
    step = old / new if scale_factor is None else 1 / scale_factor
    for i in range(new):
        if mode == "nearest":
            found.append([(min(int(i * old / new if scale_factor is None else i / scale_factor), old - 1), 1.0)])
            continue
        at = (i * (old - 1) / (new - 1) if new > 1 else 0.0) if corners else (i + 0.5) * step - 0.5
        if mode == "bilinear":
            at = max(at, 0.0)
        low = int(np.floor(at))
        t = at - low
        offsets = (-1, 0, 1, 2) if mode == "bicubic" else (0, 1)
        shares = [cubic(t - offset) if mode == "bicubic" else 1 - abs(t - offset) for offset in offsets]
        found.append([(min(max(low + offset, 0), old - 1), w) for offset, w in zip(offsets, shares, strict=True)])
    return found


def resampled(x: Array, axis: int, new: int, mode: str, corners: bool, scale_factor: float | None) -> Array:
    x = np.moveaxis(x, axis, 0)
    # One tap by itself is read, not multiplied.
    all_taps = taps(len(x), new, mode, corners, scale_factor)
    rows = [sum(x[at] * w for at, w in row) if len(row) > 1 else x[row[0][0]] for row in all_taps]
    return np.moveaxis(np.stack(rows), 0, axis)


def reference(
    x: Array,
    size: int | tuple[int, int],
    mode: str = "nearest",
    align_corners: bool = False,
    scale_factor: float | None = None,
) -> Array:
    rows, columns = (size, size) if isinstance(size, int) else size
    return resampled(
        resampled(x, 1, rows, mode, align_corners, scale_factor), 2, columns, mode, align_corners, scale_factor
    )


def magnitude(
    x: Array,
    size: int | tuple[int, int],
    mode: str = "nearest",
    align_corners: bool = False,
    scale_factor: float | None = None,
) -> Array:
    return np.full(
        reference(x, size, mode, align_corners, scale_factor).shape, np.abs(x[np.isfinite(x)]).max(initial=0.0)
    )


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
    *[
        Case(normal((2, 7, 5, 3)), size=size, mode=mode, scale_factor=scale_factor)
        for size, scale_factor in (((11, 8), 1.7), ((4, 3), 0.6))
        for mode in ("nearest", "bilinear", "bicubic")
    ],
    *[Case(normal((0, 4, 5, 3)), size=(8, 3), mode=mode) for mode in ("nearest", "bilinear", "bicubic")],
    *[Case(normal((0, 4, 5, 3)), size=3, mode=mode, align_corners=True) for mode in ("bilinear", "bicubic")],
]
ERRORS = [
    (
        Case(normal((4, 5, 3)), size=8),
        pt.ShapeError,
        "[interpolate] input is f32[4, 5, 3], size = (8,); expected [n, h, w, channels] with pixels and one or two sizes above 0; reshape input",
    ),
    (
        Case(normal((1, 4, 5, 3)), size=8, scale_factor=0.0),
        pt.ShapeError,
        "[interpolate] scale_factor = 0.0; expected a number above 0; pass other numbers",
    ),
    *[
        (
            Case(normal(shape), size=2),
            pt.ShapeError,
            f"[interpolate] input is f32{list(shape)}, size = (2,); expected [n, h, w, channels] with pixels and one or two sizes above 0; reshape input",
        )
        for shape in ((1, 0, 5, 3), (1, 4, 0, 3), (1, 4, 5, 0))
    ],
]
MUTANTS = [
    ("spec.cpp", "at = std::max(at, 0.0)", "at = std::max(at, 0.25)"),
    ("spec.cpp", "to - 0.5;", "to - 0.25;"),
    ("spec.cpp", "(place + 0.5) / axis.factor", "place / axis.factor"),
]
BENCH = [Case(normal((8, 64, 64, 32)), size=128, mode="bilinear")]
