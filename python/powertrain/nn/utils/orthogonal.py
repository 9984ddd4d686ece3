"""Orthogonal matrices from free numbers: what `parametrizations.orthogonal` computes a weight by."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.nn.module import Module
from powertrain.ops.functional import OPERATORS

Map = Literal["matrix_exp", "cayley", "householder"]


class Orthogonal(Module):
    """Matrices of the last two axes, in PyTorch's order, with orthonormal columns, or rows if these are fewer.

    With a trivialization the free numbers are those of a way from `base`, the orthogonal matrix it began with.
    """

    def __init__(self, places: tuple[int, ...], kind: Map, trivialization: bool) -> None:
        super().__init__()
        self.places, self.kind, self.trivialization = places, kind, trivialization

    def _turned(self, x: Any) -> tuple[pt.Tensor, bool]:
        """Tall matrices in PyTorch's order of axes, and whether they are transposed for it."""
        turned = pt.permute_dims(x, self.places)
        wide = turned.shape[-2] < turned.shape[-1]
        return (pt.matrix_transpose(turned) if wide else turned), wide

    def _back(self, x: pt.Tensor, wide: bool) -> pt.Tensor:
        turned = pt.matrix_transpose(x) if wide else x
        return pt.permute_dims(turned, tuple(self.places.index(axis) for axis in range(len(self.places))))

    def forward(self, x: Any) -> pt.Tensor:
        free, wide = self._turned(x)
        q = _reflected(free) if self.kind == "householder" else _skewed(free, self.kind)
        return self._back(pt.matmul(self.base, q) if self.trivialization else q, wide)

    def right_inverse(self, weight: Any) -> pt.Tensor:
        """The free numbers of the orthogonal matrix that is nearest in direction to a weight, which may be any."""
        tall, wide = self._turned(weight)
        n, k = tall.shape[-2:]
        if not self.trivialization:
            return self._back(pt.tensor(_reflections(tall.numpy()), tall.dtype), wide)
        if n > k:  # columns to complete the square
            drawn = pt.random.normal(size=(*tall.shape[:-1], n - k), dtype=tall.dtype.name)
            tall = pt.concat([tall, drawn], axis=-1)
        self.base = pt.Slot(_orthonormal(tall))
        # Minus the identity: householder takes the diagonal for signs, and the others lose it.
        return self._back(pt.broadcast_to(-pt.eye(n, k, dtype=tall.dtype), (*tall.shape[:-2], n, k)), wide)


def _orthonormal(x: pt.Tensor) -> pt.Tensor:
    q, r = OPERATORS["qr"](x)
    signs = pt.sign(pt.diagonal(r))
    return q * pt.expand_dims(pt.where(signs == 0, 1.0, signs), -2)


def _skewed(x: pt.Tensor, kind: Map) -> pt.Tensor:
    """exp(A) or (1 - A / 2)^-1 (1 + A / 2) of the skew-symmetric A below whose diagonal x is."""
    n, k = x.shape[-2:]
    low = pt.tril(x)
    if n > k:
        low = pt.concat([low, pt.zeros((*x.shape[:-1], n - k), dtype=x.dtype)], axis=-1)
    skew = low - pt.matrix_transpose(low)
    if kind == "matrix_exp":
        return pt.linalg.matrix_exp(skew)[..., :k]
    one = pt.eye(n, dtype=x.dtype)
    return pt.linalg.solve(one - skew * 0.5, one + skew * 0.5)[..., :k]


def _reflected(x: pt.Tensor) -> pt.Tensor:
    """The product of the reflections whose vectors are below the diagonal of x, its columns times the diagonal's signs.

    In one: I - V T V^T, whose T has an inverse of products of V (Joffrain et al. 2006).
    """
    n, k = x.shape[-2:]
    one = pt.eye(n, k, dtype=x.dtype)
    v = pt.tril(x, -1) + one
    products = pt.matmul(pt.matrix_transpose(v), v)
    inner = pt.triu(products, 1) + pt.eye(k, dtype=x.dtype) * (products * 0.5)
    top = pt.matrix_transpose(v[..., :k, :])
    q = one - pt.matmul(v, OPERATORS["solve_triangular"](inner, top, upper=True))
    signs = pt.trunc(pt.stop_gradient(pt.diagonal(x)))
    return q * pt.expand_dims(signs, -2)


def _reflections(x: NDArray[Any]) -> NDArray[np.float64]:
    """Vectors of reflections below the diagonal, and the signs of R on it, of x = Q R: column by column, in float64."""
    work = x.astype(np.float64)
    found = np.zeros_like(work)
    for place in np.ndindex(work.shape[:-2]):
        matrix, made = work[place], found[place]
        n, k = matrix.shape
        for column in range(k):
            below = matrix[column:, column]
            size = math.sqrt(math.fsum(below * below))
            if column == n - 1 or not below[1:].any():  # no reflection: the formula's own turns the sign
                made[column, column] = -np.sign(below[0])
                continue
            end = -math.copysign(size, below[0])
            v = below / (below[0] - end)
            v[0] = 1.0
            scale = (end - below[0]) / end
            matrix[column:] -= scale * v[:, None] * (v[:, None] * matrix[column:]).sum(0)
            made[column + 1 :, column], made[column, column] = v[1:], np.sign(end)
    return found
