"""Numbers of 16 bits for NumPy, which has no bfloat16: the upper half of a float32, to the nearest one or the even one.

Sums of such numbers are added as float32, and rounded again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

BFLOAT16 = np.dtype([("bfloat16", np.uint16)])  # a dtype of its own, so that nobody adds its bits
CHUNK = 1 << 15  # numbers that are in a cache together
NAN = 0x7FC0


def pack(numbers: NDArray[np.float32], into: NDArray[Any]) -> None:
    """Round float32 numbers into an array of BFLOAT16."""
    bits, packed = numbers.view(np.uint32), into.view(np.uint16)
    for part in _chunks(numbers.size):
        rounded = bits[part] >> 16
        rounded &= 1
        rounded += 0x7FFF
        rounded += bits[part]  # of NaN it may run over, which is written below
        rounded >>= 16
        packed[part] = rounded
        wrong = np.isnan(numbers[part])
        if wrong.any():
            packed[part][wrong] = NAN


def unpack(packed: NDArray[Any], into: NDArray[np.float32]) -> None:
    """Write numbers of BFLOAT16 as float32, which are the same."""
    np.left_shift(packed.view(np.uint16), 16, out=into.view(np.uint32), dtype=np.uint32)


def add(sums: NDArray[Any], more: NDArray[Any]) -> None:
    """Add numbers of BFLOAT16 to others, and round."""
    wide = np.empty((2, min(CHUNK, sums.size)), np.float32)
    with np.errstate(all="ignore"):
        for part in _chunks(sums.size):
            one, other = wide[:, : len(sums[part])]
            unpack(sums[part], one)
            unpack(more[part], other)
            one += other
            pack(one, sums[part])


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, count, CHUNK))
