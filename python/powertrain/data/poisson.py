"""Poisson samples: each example is in a batch by a chance of its own, as accounts of privacy assume."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from powertrain.data.order import POISSON, Cursor, Parts, Pick, misplaced, raw_bits
from powertrain.data.samplers import SequentialSampler

# A batch outgrows its largest size with a chance below 2^-64, which is that of one random word.
NEVER = 64 * math.log(2)


class PoissonSampler(SequentialSampler):
    """Has a loader take each example into a batch by the chance batch_size / examples, whatever becomes of the others.

    A compiled step needs few shapes, so a batch is filled up to one of three sizes by examples of weight 0.
    """


class PoissonOrder:
    """Batches of independent draws by (seed, step), of `batch` examples on average; position counts these."""

    def __init__(self, count: int, batch: int, seed: int) -> None:
        self.count, self.batch, self.seed = count, min(batch, count), seed
        # One and three deviations above the mean: padding is 8 % of a batch of 256 on average, and 3 % of 2,048.
        deviation = math.isqrt(batch) + 1
        self.sizes = sorted({min(count, size) for size in (batch + deviation, batch + 3 * deviation, largest(batch))})

    def __len__(self) -> int:
        return -(-self.count // self.batch)

    def check(self, cursor: Cursor, parts: Parts = ()) -> None:
        if cursor.epoch < 0 or not 0 <= cursor.position < len(self) * self.batch or cursor.position % self.batch:
            raise misplaced(
                cursor, f"a multiple of batch_size = {self.batch} below {len(self) * self.batch}",
                "resume with the data and batch_size that the run began with",
            )  # fmt: skip

    def picks(self, cursor: Cursor, parts: Parts = ()) -> Iterator[Pick]:
        epoch = cursor.epoch
        for at in range(cursor.position // self.batch, len(self)):
            following = Cursor(epoch, (at + 1) * self.batch) if at + 1 < len(self) else Cursor(epoch + 1, 0)
            yield self._filled(self.drawn(epoch * len(self) + at), following, epoch)

    def drawn(self, step: int) -> NDArray[np.int64]:
        """The rows of a step. The chance of each is batch / count, rounded down to a multiple of 2^-64."""
        if self.batch == self.count:
            return np.arange(self.count, dtype=np.int64)
        below = np.uint64((self.batch << 64) // self.count)
        return np.flatnonzero(raw_bits(self.seed, POISSON, step, self.count) < below).astype(np.int64, copy=False)

    def _filled(self, rows: NDArray[np.int64], following: Cursor, epoch: int) -> Pick:
        rows = rows[: self.sizes[-1]]
        size = next(size for size in self.sizes if size >= len(rows))
        weight = (np.arange(size) < len(rows)).astype(np.float32)
        others = np.arange(size - len(rows), dtype=np.int64) % self.count
        return Pick(np.concatenate([rows, others]), weight, following, epoch)


def largest(batch: int) -> int:
    """The size that Poisson draws of a mean pass with a chance below e^-NEVER, by Chernoff's bound
    exp(-mean h(size / mean)) with h(x) = x log x - x + 1."""
    size = batch + 1
    while size * math.log(size / batch) - size + batch < NEVER:
        size += 1
    return size
