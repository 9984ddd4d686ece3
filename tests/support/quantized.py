"""Weights of 8 and 4 bits in NumPy: what tests hold the engine's own to."""

from __future__ import annotations

import numpy as np

from kit import Array, Draw, integers


def codes(weight: Array, size: int) -> Array:
    """The codes of a weight as integers, [size, columns]."""
    if weight.dtype != np.uint8:
        return weight.astype("int64")
    both = np.stack([weight & 15, weight >> 4], axis=1).reshape(-1, weight.shape[1])
    return both[:size].astype("int64") - 8


def dequantized(weight: Array, scale: Array, size: int, group_size: int | None = None) -> Array:
    """The float64 numbers that a weight stands for."""
    scales = np.repeat(scale.astype("float64"), group_size or max(size, 1), axis=0)[:size]
    return codes(weight, size) * scales


def packed(rows: int, columns: int) -> Draw:
    """Codes of 4 bits of so many rows."""
    return integers((-(-rows // 2), columns), 0, 256, "uint8")


def bytes_of(rows: int, columns: int) -> Draw:
    """Codes of 8 bits, -128 among them."""
    return integers((rows, columns), -128, 128, "int8")


# Inputs, outputs, group size: no rows, tails of vectors, of blocks of 256 and of groups of 4,096, an odd last group.
SIZES: tuple[tuple[int, int, int | None], ...] = (
    (0, 3, None), (1, 1, None), (3, 17, None), (7, 33, 4), (64, 10, 32), (65, 64, 32), (255, 5, 64), (257, 40, 64),
    (300, 70, None), (40, 1030, 16), (4097, 3, None), (4400, 18, 32),
)  # fmt: skip
