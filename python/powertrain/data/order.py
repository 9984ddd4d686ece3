"""The order of examples, as a function of (seed, cursor) alone.

NumPy promises the raw bits of its Philox generator across versions, but not what `permutation` or `integers` make of
them; so only raw bits are used here, and a run resumes to the same batches under another NumPy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from powertrain.data.errors import DataError

Last = Literal["pad", "drop", "short"]
# Streams keep draws of one seed apart that serve different ends.
SHUFFLE, OFFSETS, SPLIT, RING, EPISODES, EVALUATION = 1, 2, 3, 4, 5, 6
CHANGES = 64  # and one further for each random transform of a recipe


def raw_bits(seed: int, stream: int, call: int, count: int) -> NDArray[np.uint64]:
    """`count` random words: Philox 4x64-10 with key (seed, stream), counting from (0, call)."""
    key = np.array([seed & 0xFFFFFFFFFFFFFFFF, stream], dtype=np.uint64)
    counter = np.array([0, call, 0, 0], dtype=np.uint64)
    words: NDArray[np.uint64] = np.random.Philox(key=key, counter=counter).random_raw(count)
    return words


def permutation(count: int, seed: int, stream: int, call: int) -> NDArray[np.int64]:
    """A uniform permutation of range(count): the order that sorts random words (stable, should two be equal)."""
    return np.argsort(raw_bits(seed, stream, call, count), kind="stable").astype(np.int64, copy=False)


class Cursor(NamedTuple):
    """Where the next batch begins; an int64 pair, so that a slot can hold it."""

    epoch: int
    position: int


class Draw:
    """Random numbers of one call: a function of (seed, stream, call), where the call is the cursor after a batch.

    >>> Draw(0, 64, Cursor(0, 32)).integers(6, (3,)).tolist() == Draw(0, 64, Cursor(0, 32)).integers(6, (3,)).tolist()
    True
    """

    def __init__(self, seed: int, stream: int, call: Cursor) -> None:
        key = np.array([seed & 0xFFFFFFFFFFFFFFFF, stream], dtype=np.uint64)
        self._bits = np.random.Philox(key=key, counter=np.array([0, call.epoch, call.position, 0], dtype=np.uint64))

    def _words(self, shape: tuple[int, ...]) -> NDArray[np.uint64]:
        words: NDArray[np.uint64] = self._bits.random_raw(math.prod(shape))
        return words.reshape(shape)

    def uniform(self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> NDArray[np.float64]:
        """Numbers from low to below high."""
        units: NDArray[np.float64] = (self._words(shape) >> np.uint64(11)).astype(np.float64)
        return low + units * (2.0**-53 * (high - low))

    def integers(self, below: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Whole numbers from 0 to below - 1."""
        return (self._words(shape) % np.uint64(below)).astype(np.int64)

    def permutation(self, count: int) -> NDArray[np.int64]:
        return np.argsort(self._words((count,)), kind="stable").astype(np.int64, copy=False)


class Pick(NamedTuple):
    """The rows of one batch, their weights, and the cursor after it."""

    indices: NDArray[np.int64]
    weight: NDArray[np.float32]
    cursor: Cursor


class Order(Protocol):
    """Chooses the rows of the batch at a cursor; pure."""

    @property
    def batches(self) -> int: ...

    def check(self, cursor: Cursor) -> None: ...

    def pick(self, cursor: Cursor) -> Pick: ...


@dataclass
class EpochOrder:
    """Every example once an epoch, shuffled anew in each or as they stand; position counts examples."""

    count: int
    batch: int
    shuffle: bool
    seed: int
    last: Last

    def __post_init__(self) -> None:
        self._shuffled: tuple[int, NDArray[np.int64]] = (-1, np.arange(0))
        if self.last == "drop" and self.count < self.batch:
            raise DataError(
                "loader",
                f'{self.count} examples with batch = {self.batch} and last = "drop"',
                "expected at least one whole batch",
                'lower batch or use last = "pad"',
            )

    @property
    def batches(self) -> int:
        return self.count // self.batch if self.last == "drop" else -(-self.count // self.batch)

    def check(self, cursor: Cursor) -> None:
        if cursor.epoch < 0 or not 0 <= cursor.position < self.count or cursor.position % self.batch:
            raise DataError(
                "loader",
                f"cursor (epoch {cursor.epoch}, position {cursor.position})",
                f"expected a multiple of batch = {self.batch} below {self.count} examples",
                "resume with the data and batch that the run began with",
            )

    def _epoch(self, epoch: int) -> NDArray[np.int64]:
        if not self.shuffle:
            epoch = 0
        # One tuple, replaced whole: several worker threads may ask at once.
        held, rows = self._shuffled
        if held != epoch:
            rows = permutation(self.count, self.seed, SHUFFLE, epoch) if self.shuffle else np.arange(self.count)
            self._shuffled = (epoch, rows)
        return rows

    def pick(self, cursor: Cursor) -> Pick:
        rows = self._epoch(cursor.epoch)
        start, stop = cursor.position, min(cursor.position + self.batch, self.count)
        indices, real = rows[start:stop], stop - start
        if real < self.batch and self.last == "pad":
            # Other real examples, rather than zeros or one repeated: batch statistics stay sensible.
            indices = np.concatenate([indices, np.resize(rows, self.batch - real)])
        weight = np.ones(len(indices), dtype=np.float32)
        weight[real:] = 0
        end = self.batches * self.batch
        following = Cursor(cursor.epoch, stop) if start + self.batch < end else Cursor(cursor.epoch + 1, 0)
        return Pick(indices, weight, following)


@dataclass
class RandomOrder:
    """Random rows with replacement by (seed, step), without end; position counts steps, the epoch stays 0."""

    count: int
    batch: int
    seed: int

    @property
    def batches(self) -> int:
        return -(-self.count // self.batch)

    def check(self, cursor: Cursor) -> None:
        if cursor.epoch != 0 or cursor.position < 0:
            raise DataError(
                "loader",
                f"cursor (epoch {cursor.epoch}, position {cursor.position})",
                "expected epoch 0 and a step count",
                "resume with the data that the run began with",
            )

    def pick(self, cursor: Cursor) -> Pick:
        words = raw_bits(self.seed, OFFSETS, cursor.position, self.batch)
        # The remainder of a 64-bit word: its bias, count / 2^64, is beyond any measurement.
        indices = (words % np.uint64(self.count)).astype(np.int64)
        return Pick(indices, np.ones(self.batch, dtype=np.float32), Cursor(0, cursor.position + 1))
