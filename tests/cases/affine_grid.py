"""Cases of affine_grid; the reference multiplies places with the map in NumPy."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def places(n: int, corners: bool) -> Array:
    return np.linspace(-1, 1, n) if corners and n > 1 else (2 * np.arange(n) + 1) / n - 1 if not corners else np.zeros(1)


def reference(theta: Array, size: int | tuple[int, int], align_corners: bool = False) -> Array:
    rows, columns = (size, size) if isinstance(size, int) else size
    x, y = np.meshgrid(places(columns, align_corners), places(rows, align_corners))
    return np.einsum("nkj,hwj->nhwk", theta, np.stack([x, y, np.ones_like(x)], -1))


def magnitude(theta: Array, **settings: object) -> Array:
    return np.broadcast_to(np.abs(theta).sum(-1)[:, None, None], reference(theta, **settings).shape)


CASES = [
    Case(normal((2, 2, 3)), size=(3, 5)),
    Case(normal((1, 2, 3)), size=4, align_corners=True),
    Case(normal((2, 2, 3)), size=(1, 17), align_corners=True),
    Case(normal((0, 2, 3)), size=2),
]
ERRORS = [
    (
        Case(normal((2, 3, 4)), size=(3, 5)),
        pt.ShapeError,
        "[affine_grid] theta is f32[2, 3, 4], size = (3, 5); expected [n, 2, 3] and one or two sizes above 0; reshape theta",
    ),
]
MUTANTS = [("spec.cpp", "column(0) * x + column(1) * y", "column(0) * y + column(1) * x")]
BENCH = [Case(normal((16, 2, 3)), size=(224, 224))]
