"""Cases of lu; the reference is Gaussian elimination with the first of the largest pivots, in NumPy."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal
from matrices import SQUARE, regular, size_of


def _one(x: Array) -> tuple[Array, Array, float]:
    a, order, sign = x.copy(), np.arange(len(x)), 1.0
    for j in range(len(a)):
        pivot = j + int(np.argmax(np.abs(a[j:, j])))
        if pivot != j:
            a[[j, pivot]], order[[j, pivot]], sign = a[[pivot, j]], order[[pivot, j]], -sign
        a[j + 1 :, j] /= a[j, j]
        a[j + 1 :, j + 1 :] -= np.outer(a[j + 1 :, j], a[j, j + 1 :])
    return a, order, sign


def reference(x: Array) -> tuple[Array, Array, Array]:
    n = x.shape[-1]
    found = [_one(matrix) for matrix in x.reshape(-1, n, n)]
    factors, orders, sign = (np.stack([np.asarray(one[i]) for one in found]) for i in range(3))
    return factors.reshape(x.shape), orders.reshape(x.shape[:-1]), sign.reshape(x.shape[:-2])


def magnitude(x: Array) -> tuple[Array, Array, Array]:
    factors, orders, sign = reference(x)
    return size_of(x) + 0 * factors, orders, sign


K = 16
DTYPES = ("float32", "float64")
CASES = [Case(regular(shape)) for shape in SQUARE]
ERRORS = [
    (Case(normal((2, 3))), pt.ShapeError, "[lu] x is f32[2, 3]; expected square matrices; check its last two axes"),
]
BENCH = [Case(regular((128, 128)))]
