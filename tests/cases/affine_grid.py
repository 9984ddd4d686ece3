"""Cases of affine_grid; the reference multiplies places with the map in NumPy."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def places(n: int, corners: bool) -> Array:
    return (
        np.linspace(-1, 1, n) if corners and n > 1 else (2 * np.arange(n) + 1) / n - 1 if not corners else np.zeros(1)
    )


def reference(theta: Array, size: int | tuple[int, ...], align_corners: bool = False) -> Array:
    axes = theta.shape[1]
    sizes = (size,) * axes if isinstance(size, int) else size
    where = np.meshgrid(*(places(n, align_corners) for n in sizes), indexing="ij")
    return np.einsum("nkj,...j->n...k", theta, np.stack([*where[::-1], np.ones(sizes)], -1))


def magnitude(theta: Array, **settings: object) -> Array:
    return np.broadcast_to(
        np.expand_dims(np.abs(theta).sum(-1), (*range(1, theta.shape[1] + 1),)), reference(theta, **settings).shape
    )


CASES = [
    Case(normal((2, 2, 3)), size=(3, 5)),
    Case(normal((1, 2, 3)), size=4, align_corners=True),
    Case(normal((2, 2, 3)), size=(1, 17), align_corners=True),
    Case(normal((0, 2, 3)), size=2),
    Case(normal((2, 3, 4)), size=(2, 3, 5)),
    Case(normal((1, 3, 4)), size=(3, 1, 4), align_corners=True),
    Case(normal((1, 3, 4)), size=3),
]
ERRORS = [
    (
        Case(normal((2, 3, 4)), size=(3, 5)),
        pt.ShapeError,
        "[affine_grid] theta is f32[2, 3, 4], size = (3, 5); expected [n, 2, 3] and one or two sizes above 0, or [n, 3, 4] and one or three; reshape theta",
    ),
]
MUTANTS = [
    ("spec.cpp", "static_cast<std::size_t>(axes - 1 - k)", "static_cast<std::size_t>(k)"),
    ("spec.cpp", "sum + column(axes)", "sum"),
]
BENCH = [Case(normal((16, 2, 3)), size=(224, 224))]
