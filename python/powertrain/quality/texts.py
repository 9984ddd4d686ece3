"""Texts that are nearly the same: MinHash finds candidates, the exact Jaccard similarity decides.

The hashes of a text are cut into bands. Texts with an equal band are candidates; the bands are as wide as they can be
while two texts at the threshold are still found with a probability of 99 %.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from powertrain.data.errors import DataError
from powertrain.quality.checks import Floats, Rows

LETTERS = 5
HASHES = 128
FOUND = 0.99
AT_ONCE = 4096  # pieces of a text whose hashes are in memory together
_PRIME = (1 << 32) + 15  # the first above all 32-bit hashes
_SPACES = re.compile(r"\s+")


def similar_texts(texts: Sequence[str], among: Sequence[str] | None, threshold: float) -> tuple[Rows, Rows, Floats]:
    """Texts with the most similar one before them, or in `among`, from `threshold` on."""
    pieces = [_pieces(text) for text in texts]
    others = pieces if among is None else [_pieces(text) for text in among]
    width = _width(threshold)
    buckets: list[dict[bytes, list[int]]] = [{} for _ in range(HASHES // width)]
    if among is not None:
        for row, one in enumerate(others):
            _file(buckets, _bands(one, width), row)
    rows, twins, similarity = [], [], []
    for row, one in enumerate(pieces):
        bands = _bands(one, width)
        best, twin = -1.0, -1
        for other in sorted(
            {found for bucket, band in zip(buckets, bands, strict=True) for found in bucket.get(band, ())}
        ):
            shared = len(one & others[other])
            score = shared / (len(one) + len(others[other]) - shared)
            if score > best:
                best, twin = score, other
        if best >= threshold:
            rows.append(row)
            twins.append(twin)
            similarity.append(best)
        if among is None and best < 1:  # what is the same as an earlier text is found by that one
            _file(buckets, bands, row)
    return np.array(rows, np.int64), np.array(twins, np.int64), np.array(similarity, np.float64)


def _pieces(text: object) -> frozenset[int]:
    """Hashes of the pieces of five letters, in small letters and with single spaces; a short text is one piece."""
    if not isinstance(text, str):
        raise DataError("near_duplicates", f"a {type(text).__name__} among texts", "expected texts", "leave it out")
    plain = _SPACES.sub(" ", text.casefold()).strip().encode("utf-32-le", "surrogatepass")
    step, length = 4, 4 * LETTERS  # bytes
    starts = range(0, max(len(plain) - length, 0) + 1, step)
    return frozenset(zlib.crc32(plain[start : start + length]) for start in starts)


def _width(threshold: float) -> int:
    """The widest band by which texts at the threshold are found."""
    widths = [width for width in (1, 2, 4, 8, 16, 32) if 1 - (1 - threshold**width) ** (HASHES // width) >= FOUND]
    return max(widths, default=1)


def _factors() -> NDArray[np.uint64]:
    """Two numbers for each hash, the same in every process."""
    drawn = np.random.Generator(np.random.Philox(1997)).integers(1, 1 << 31, size=(2, HASHES), dtype=np.int64)
    return drawn.astype(np.uint64)


_A, _B = _factors()


def _bands(pieces: frozenset[int], width: int) -> list[bytes]:
    values = np.fromiter(pieces, np.uint64, len(pieces))
    least = np.full(HASHES, np.uint64(_PRIME))
    for start in range(0, len(values), AT_ONCE):
        hashes = (values[start : start + AT_ONCE, None] * _A + _B) % np.uint64(_PRIME)
        least = np.minimum(least, hashes.min(axis=0))
    return [least[start : start + width].tobytes() for start in range(0, HASHES, width)]


def _file(buckets: list[dict[bytes, list[int]]], bands: list[bytes], row: int) -> None:
    for bucket, band in zip(buckets, bands, strict=True):
        bucket.setdefault(band, []).append(row)
