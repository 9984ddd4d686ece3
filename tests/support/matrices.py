"""Matrices that factorisations are tried on: described as other draws are."""

from __future__ import annotations

import numpy as np

from kit import Array, Draw

SQUARE = [(1, 1), (2, 2), (3, 4, 4), (17, 17), (2, 2, 5, 5)]


def _spread(rng: np.random.Generator, shape: tuple[int, ...], singular: Array) -> Array:
    """Of these singular values, which lie apart: what divides by their differences then has gradients of order one."""
    m, n = shape[-2:]
    u = np.linalg.qr(rng.standard_normal((*shape[:-2], m, m)))[0][..., :, : len(singular)]
    v = np.linalg.qr(rng.standard_normal((*shape[:-2], n, n)))[0][..., :, : len(singular)]
    return np.asarray((u * singular) @ np.swapaxes(v, -1, -2))


def regular(shape: tuple[int, ...]) -> Draw:
    """Far from singular."""
    singular = 1 + 0.5 * np.arange(min(shape[-2:]))
    return Draw(f"regular({shape})", lambda rng: _spread(rng, shape, singular), shape)


def positive_definite(shape: tuple[int, ...]) -> Draw:
    """Symmetric, with eigenvalues that lie apart."""

    def make(rng: np.random.Generator) -> Array:
        q = np.linalg.qr(rng.standard_normal(shape))[0]
        x = (q * (1 + 0.5 * np.arange(shape[-1]))) @ np.swapaxes(q, -1, -2)
        return np.asarray((x + np.swapaxes(x, -1, -2)) / 2)

    return Draw(f"positive_definite({shape})", make, shape)


def symmetric(x: Array) -> Array:
    return np.asarray((x + np.swapaxes(x, -1, -2)) / 2)


def size_of(x: Array) -> Array:
    """The norm of each matrix, which is the scale of its errors."""
    return np.asarray(np.linalg.norm(x, axis=(-2, -1), keepdims=True))


def signs(vectors: Array, axis: int) -> Array:
    """What makes the first of the largest components along the axis positive."""
    largest = np.abs(vectors) > np.abs(vectors).max(axis, keepdims=True) * (1 - 1e-9)
    first = np.argmax(largest, axis=axis)
    return np.sign(np.take_along_axis(vectors, np.expand_dims(first, axis), axis))
