"""The order of examples, as a function of (seed, cursor) alone.

NumPy promises the raw bits of its Philox generator across versions, but not what `permutation` or `integers` make of
them. So only raw bits are used here, and a run resumes to the same batches under another NumPy.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from powertrain import _core
from powertrain.data.errors import DataError

# Streams keep draws of one seed apart that serve different ends.
SHUFFLE, OFFSETS, SPLIT, RING, EPISODES, EVALUATION = 1, 2, 3, 4, 5, 6
EXAMPLES, POISSON, BLOCKS = 7, 8, 9
CHANGES = 64  # and one further for each random transform of a recipe


def raw_bits(seed: int, stream: int, call: int, count: int) -> NDArray[np.uint64]:
    """`count` random words: Philox 4x64-10 with key (seed, stream), counting from (0, call).

    >>> of_numpy = np.random.Philox(key=[7, 1], counter=[0, 5, 0, 0])  # which takes longer to make than some batches
    >>> raw_bits(7, 1, 5, 9).tolist() == of_numpy.random_raw(9).tolist()
    True
    """
    words: NDArray[np.uint64] = _core.random_words(count, seed & 0xFFFFFFFFFFFFFFFF, stream, call)
    return words


def random_rows(below: int, size: int, seed: int, stream: int, first: int, calls: int) -> NDArray[np.int64]:
    """Random numbers below so many, [calls, size]: the words of `raw_bits` of so many calls, modulo that."""
    rows: NDArray[np.int64] = _core.random_rows(below, size, seed & 0xFFFFFFFFFFFFFFFF, stream, first, calls)
    return rows


def permutation(count: int, seed: int, stream: int, call: int) -> NDArray[np.int64]:
    """A uniform permutation of range(count): the order that sorts random words (stable, should two be equal)."""
    # The words are those of `raw_bits`.
    rows: NDArray[np.int64] = _core.permutation(count, seed & 0xFFFFFFFFFFFFFFFF, stream, call)
    return rows


class Cursor(NamedTuple):
    """Where the next batch begins; an int64 pair, so that a slot can hold it."""

    epoch: int
    position: int


class Draw:
    """Random numbers of one call: a function of (seed, stream, call), where the call is the cursor after a batch.

    >>> Draw(0, 64, Cursor(0, 32)).integers(6, (3,)).tolist() == Draw(0, 64, Cursor(0, 32)).integers(6, (3,)).tolist()
    True
    """

    def __init__(self, seed: int, stream: int, call: Cursor, fours: int = 0) -> None:
        """`fours`: so many fours of words are passed over, in no time."""
        key = np.array([seed & 0xFFFFFFFFFFFFFFFF, stream], dtype=np.uint64)
        counter = np.array([fours, call.epoch, call.position, 0], dtype=np.uint64)
        self._bits = np.random.Philox(key=key, counter=counter)

    def words(self, shape: tuple[int, ...]) -> NDArray[np.uint64]:
        """Random words of 64 bits."""
        if not isinstance(shape, (tuple, list)):
            raise DataError("Draw", f"a {type(shape).__name__} as shape", "expected a tuple of sizes", "pass (n,)")
        words: NDArray[np.uint64] = self._bits.random_raw(math.prod(shape))
        return words.reshape(shape)

    def uniform(self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> NDArray[np.float64]:
        """Numbers from low to below high."""
        units: NDArray[np.float64] = (self.words(shape) >> np.uint64(11)).astype(np.float64)
        return low + units * (2.0**-53 * (high - low))

    def integers(self, below: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Whole numbers from 0 to below - 1."""
        return (self.words(shape) % np.uint64(below)).astype(np.int64)

    def permutation(self, count: int) -> NDArray[np.int64]:
        rows: NDArray[np.int64] = _core.sorting_order(self.words((count,)))
        return rows


# The rows of one epoch, in one array, or one for each batch.
Parts = Sequence[NDArray[np.int64]]


class Pick(NamedTuple):
    """The rows of one batch, their weights, the cursor after it, and its epoch (where there are none, its step).

    Of a stream, its examples too; of a sampler that need not give its rows twice, those of the epoch.
    """

    indices: NDArray[np.int64]
    weight: NDArray[np.float32]
    cursor: Cursor
    epoch: int = 0
    examples: Sequence[Any] = ()
    parts: Parts = ()


class Place(NamedTuple):
    """Where the next batch begins, and the rows of its epoch, where they are kept."""

    cursor: Cursor
    parts: Parts = ()


class Order(Protocol):
    """Chooses the batches of a loader, from a cursor on."""

    def __len__(self) -> int:
        """Batches of one epoch."""
        ...

    def check(self, cursor: Cursor, parts: Parts = ()) -> None:
        """Raises where no batch begins at a cursor."""
        ...

    def picks(self, cursor: Cursor, parts: Parts = ()) -> Iterator[Pick]:
        """The batches from `cursor` to the end of its epoch, whose rows are `parts` where they are known."""
        ...


def misplaced(cursor: Cursor, expected: str, fix: str) -> DataError:
    return DataError(
        "DataLoader", f"cursor (epoch {cursor.epoch}, position {cursor.position})", f"expected {expected}", fix
    )


@dataclass
class RandomOrder:
    """Random rows with replacement by (seed, step), without end; position counts steps, the epoch stays 0."""

    count: int
    batch: int
    seed: int

    def __len__(self) -> int:
        return -(-self.count // self.batch)

    def check(self, cursor: Cursor, parts: Parts = ()) -> None:
        if cursor.epoch != 0 or cursor.position < 0:
            raise misplaced(cursor, "epoch 0 and a step count", "resume with the data that the run began with")

    def picks(self, cursor: Cursor, parts: Parts = ()) -> Iterator[Pick]:
        for step in itertools.count(cursor.position):
            words = raw_bits(self.seed, OFFSETS, step, self.batch)
            # The remainder of a 64-bit word: its bias, count / 2^64, is beyond any measurement.
            indices = (words % np.uint64(self.count)).astype(np.int64)
            yield Pick(indices, np.ones(self.batch, dtype=np.float32), Cursor(0, step + 1), step)
