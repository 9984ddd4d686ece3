"""Weights as integers of 8 or 4 bits with scales, found in NumPy: once, before a model is used."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_8, LEAST_4, MOST_4 = 127, -8, 7  # -128 is left out, so that 8 bits are symmetric
# Of 4 bits: the largest weight of a group may be cut where that makes the sum of squared errors of all smaller.
CUTS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)


class Codes(NamedTuple):
    """Integers [inputs, outputs], and their scales [groups, outputs]."""

    codes: NDArray[np.int8]
    scale: NDArray[np.float32]


def coded(weight: NDArray[Any], bits: int, group_size: int | None = None) -> Codes:
    """The codes of a matrix [inputs, outputs]: with a scale for each output, or for each group of inputs of it."""
    inputs, outputs = weight.shape
    group = min(group_size or inputs, inputs) or 1
    groups = max(1, -(-inputs // group))
    whole = np.zeros((groups * group, outputs), np.float32)
    whole[:inputs] = weight
    cells = whole.reshape(groups, group, outputs)
    largest = np.abs(cells).max(axis=1)
    if bits == 8:
        codes, scale, _ = _rounded(cells, largest / MOST_8, -MOST_8, MOST_8)
    else:
        codes, scale = _cut(cells, largest)
    return Codes(codes.reshape(-1, outputs)[:inputs].astype(np.int8), scale)


def _cut(cells: NDArray[Any], largest: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    codes, scale, least = _rounded(cells, largest / MOST_4, LEAST_4, MOST_4)
    for cut in CUTS[1:]:
        tried, size, error = _rounded(cells, largest * cut / MOST_4, LEAST_4, MOST_4)
        better = error < least
        least = np.where(better, error, least)
        scale = np.where(better, size, scale)
        codes = np.where(better[:, None], tried, codes)
    return codes, scale


def _rounded(
    cells: NDArray[Any], scale: NDArray[Any], low: int, high: int
) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[Any]]:
    """The nearest codes, their scales and the squared errors of each group."""
    scale = np.where(scale > 0, scale, 1).astype(np.float32)  # zeros alone, or smaller than any scale
    codes = np.clip(np.rint(cells / scale[:, None]), low, high)
    return codes, scale, np.square(cells - codes * scale[:, None]).sum(axis=1)


def packed(codes: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Two codes of 4 bits to a byte: that of the even row in its lower half, with 8 for zero."""
    shifted = (codes - LEAST_4).astype(np.uint8)
    if len(shifted) % 2:
        shifted = np.concatenate([shifted, np.zeros_like(shifted[:1])])
    return np.asarray(shifted[0::2] | shifted[1::2] << 4, np.uint8)
