"""Orders of rows that are made piece by piece, in place of one array of all rows."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from powertrain.data.order import OFFSETS, Cursor, Draw, permutation, raw_bits

Rows = NDArray[np.int64]

# From so many rows on an order is computed as it is read: to sort as many random words would take 75 MB and half a
# second at the beginning of each epoch, and more the more rows there are. Below, each order is as likely as another.
SORTED_BELOW = 1 << 22
_CHUNK = 1 << 14  # rows that are computed at once: NumPy's calls cost more than the numbers of a single batch
_ROUNDS = 8


class RowOrder(Protocol):
    """The rows of an epoch, of which slices are read. An array of rows is one."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> Rows: ...


class Ascending:
    """Every row, as they stand."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, rows: slice) -> Rows:
        return np.arange(*rows.indices(self._count), dtype=np.int64)


class PiecedOrder:
    """Rows of which one piece is held at a time."""

    def __init__(self) -> None:
        self._begin, self._held = 0, np.empty(0, np.int64)

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def piece(self, place: int) -> tuple[int, Rows]:
        """The piece that a place of the order is in: where it begins, and its rows."""

    def __getitem__(self, rows: slice) -> Rows:
        start, stop, _ = rows.indices(len(self))
        found = [np.empty(0, np.int64)]
        while start < stop:
            if not self._begin <= start < self._begin + len(self._held):
                self._begin, self._held = self.piece(start)
            found.append(self._held[start - self._begin : stop - self._begin])
            start += len(found[-1])
        return found[1] if len(found) == 2 else np.concatenate(found)


class KeyedPermutation(PiecedOrder):
    """A permutation of range(count) whose entries are computed one by one from a key, in memory that does not grow.

    A Feistel network on pairs (left, right) of numbers below a and b, where a * b is little above count: round after
    round, one half moves by a hash of the other. What comes out at count or above goes through again.

    Source    Black & Rogaway 2002, "Ciphers with Arbitrary Finite Domains" (generalized Feistel, cycle walking);
              the hash is the finalizer of SplitMix64 (Steele et al. 2014)
    """

    def __init__(self, count: int, seed: int, stream: int, call: int) -> None:
        super().__init__()
        self._count = count
        self._keys = raw_bits(seed, stream, call, _ROUNDS)
        left = max(1, int(np.ceil(np.sqrt(count))))
        self._left, self._right = np.uint64(left), np.uint64(-(-count // left))

    def __len__(self) -> int:
        return self._count

    def piece(self, place: int) -> tuple[int, Rows]:
        begin = place - place % _CHUNK
        rows = self._moved(np.arange(begin, min(begin + _CHUNK, self._count), dtype=np.uint64))
        while len(beyond := np.flatnonzero(rows >= self._count)):
            rows[beyond] = self._moved(rows[beyond])
        return begin, rows.astype(np.int64)

    def _moved(self, numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
        left, right = np.divmod(numbers, self._right)
        for at, key in enumerate(self._keys):
            if at % 2:
                right = (right + _hashed(left, key)) % self._right
            else:
                left = (left + _hashed(right, key)) % self._left
        return left * self._right + right


class Drawn(PiecedOrder):
    """`count` rows of range(size), each drawn from all, in memory that does not grow.

    The remainder of a 64-bit word: its bias, size / 2^64, is beyond any measurement.
    """

    def __init__(self, size: int, count: int, seed: int, call: Cursor) -> None:
        super().__init__()
        self._size, self._count, self._seed, self._call = np.uint64(size), count, seed, call

    def __len__(self) -> int:
        return self._count

    def piece(self, place: int) -> tuple[int, Rows]:
        begin = place - place % _CHUNK
        words = Draw(self._seed, OFFSETS, self._call, begin // 4).words((min(_CHUNK, self._count - begin),))
        return begin, (words % self._size).astype(np.int64)


def _hashed(numbers: NDArray[np.uint64], key: np.uint64) -> NDArray[np.uint64]:
    """Words of 62 bits, so that a sum with a number of a half does not overflow."""
    words = numbers * np.uint64(0x9E3779B97F4A7C15) + key
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (words ^ (words >> np.uint64(31))) >> np.uint64(2)


def shuffled(count: int, seed: int, stream: int, call: int) -> RowOrder:
    """range(count) in a random order, which depends on the arguments alone."""
    if count < SORTED_BELOW:
        return permutation(count, seed, stream, call)
    return KeyedPermutation(count, seed, stream, call)
