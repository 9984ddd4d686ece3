"""Samplers: which examples an epoch has, and in which order.

Those here are functions of (seed, epoch): `rows(epoch, seed)`. Their seed is their own, or else that of the loader. Any
iterable of row numbers is a sampler too: the loader iterates over it once an epoch.
"""

from __future__ import annotations

import itertools
import math
import operator
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from powertrain.data.blocks import BlockOrder, blocks_of
from powertrain.data.errors import DataError
from powertrain.data.order import OFFSETS, SHUFFLE, Cursor, Draw, permutation, raw_bits
from powertrain.data.order_pieces import Ascending, Drawn, RowOrder, Rows, shuffled
from powertrain.data.source import length_of
from powertrain.errors.methods import Abstract, missing

if TYPE_CHECKING:
    from powertrain.random import Generator
    from powertrain.typing import Array


def seed_of(seed: int | None, generator: Generator | None, where: str) -> int | None:
    """A seed given as such, or as the state of a `pt.random.Generator`, which does not move on."""
    if generator is None:
        if seed is None:
            return None
        try:
            return operator.index(seed)
        except TypeError:
            fix = f"write {where}(..., seed=0)"
            raise DataError(where, f"seed = {seed!r}", "expected a whole number", fix) from None
    slot = getattr(generator, "slot", None)
    if slot is None or seed is not None:
        received = f"a generator of type {type(generator).__name__}" if slot is None else "seed and generator"
        raise DataError(
            where, received, "expected a seed or a pt.random.Generator",
            f"write {where}(..., seed=0) or {where}(..., generator=pt.random.Generator(0))",
        )  # fmt: skip
    state = [int(word) for word in np.asarray(slot.value)]
    return int(raw_bits(state[0], state[1], state[2], 1)[0])


class Sampler(Abstract):
    """Base class: the rows of one epoch. Define `__iter__` and `__len__` for a sampler of your own.

    A sampler whose rows differ from epoch to epoch may define `set_epoch(epoch)`, which the loader calls before each.

    Example
        >>> class Backwards(Sampler):
        ...     def __len__(self):
        ...         return 3
        ...     def __iter__(self):
        ...         return iter([2, 1, 0])
        >>> data = pt.data.ArrayDataset(x=np.arange(3))
        >>> [batch.x.item() for batch in pt.data.DataLoader(data, sampler=Backwards())]
        [2, 1, 0]
    """

    @abstractmethod
    def __iter__(self) -> Iterator[int]:
        """The numbers of the rows, in order."""
        raise missing(self, "__iter__")


class SeededSampler(Sampler):
    """A sampler whose rows are a function of (seed, epoch). Iterating gives those of epoch 0."""

    count: int
    seed: int | None = None

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[int]:
        return iter(self.rows(0).tolist())

    @abstractmethod
    def rows(self, epoch: int, seed: int = 0) -> Rows:
        """The rows of an epoch, in order; `seed` where the sampler has none of its own."""
        raise missing(self, "rows")

    def order(self, epoch: int, seed: int = 0) -> RowOrder:
        """The same, from which slices are read: where it can be, without an array of all rows."""
        return self.rows(epoch, seed)

    def _seed(self, seed: int) -> int:
        return seed if self.seed is None else self.seed


class SequentialSampler(SeededSampler):
    """Every row, as they stand.

    >>> list(SequentialSampler([5, 6, 7]))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.count = length_of(data_source, "SequentialSampler")

    def rows(self, epoch: int, seed: int = 0) -> Rows:
        return self.order(epoch, seed)[:]

    def order(self, epoch: int, seed: int = 0) -> RowOrder:
        return Ascending(self.count)


class RandomSampler(SeededSampler):
    """Rows in a new random order each epoch, or, with `replacement`, `num_samples` rows drawn at random.

    From 4,194,304 rows on, and with `replacement`, the order is computed as it is read, and takes no memory. Of a data
    set that is read in blocks, as `ParquetDataset`, blocks come in random order, and the rows of some blocks at a time.

    >>> sorted(RandomSampler([5, 6, 7], seed=1))
    [0, 1, 2]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
        *,
        seed: int | None = None,
    ) -> None:
        self.size = length_of(data_source, "RandomSampler")
        self.replacement = replacement
        self.count = self.size if num_samples is None else _count(num_samples, "RandomSampler")
        self.seed = seed_of(seed, generator, "RandomSampler")
        self._blocks = blocks_of(data_source)

    def rows(self, epoch: int, seed: int = 0) -> Rows:
        return self.order(epoch, seed)[:]

    def order(self, epoch: int, seed: int = 0) -> RowOrder:
        seed = self._seed(seed)
        if self.replacement:
            return Drawn(self.size, self.count, seed, Cursor(epoch, 1))
        if self.count == self.size:
            return self._shuffled(seed, epoch)
        # More than once through, or a part: whole orders one after the other, of which the last is cut off.
        orders = math.ceil(self.count / self.size)
        parts = [self._shuffled(seed, epoch * orders + at)[:] for at in range(orders)]
        return np.concatenate(parts)[: self.count]

    def _shuffled(self, seed: int, call: int) -> RowOrder:
        if self._blocks is None or self._blocks.all_together:
            return shuffled(self.size, seed, SHUFFLE, call)
        return BlockOrder(self._blocks, seed, call)


class SubsetRandomSampler(SeededSampler):
    """The rows `indices`, in a new random order each epoch.

    >>> sorted(SubsetRandomSampler([4, 9, 2]))
    [2, 4, 9]
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None, *, seed: int | None = None) -> None:
        self.indices = row_numbers(indices, "SubsetRandomSampler")
        self.count = len(self.indices)
        self.seed = seed_of(seed, generator, "SubsetRandomSampler")

    def rows(self, epoch: int, seed: int = 0) -> Rows:
        return self.indices[permutation(self.count, self._seed(seed), SHUFFLE, epoch)]


class WeightedRandomSampler(SeededSampler):
    """`num_samples` rows drawn in proportion to `weights`, one per row; without `replacement` each at most once.

    Numerics  with replacement by the inverse of the summed weights in float64; without by the smallest of
              -log(u) / weight
    Source    Efraimidis & Spirakis 2006 for draws without replacement

    >>> set(WeightedRandomSampler([0.0, 1.0, 3.0], 100))
    {1, 2}
    """

    def __init__(
        self,
        weights: Sequence[float] | Array,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
        *,
        seed: int | None = None,
    ) -> None:
        values = np.asarray(weights, dtype=np.float64)
        if values.ndim != 1 or not np.isfinite(values).all() or (values < 0).any() or not values.sum() > 0:
            wrong = "" if values.ndim != 1 else f", from {values.min(initial=np.inf):g} to {values.max(initial=0):g}"
            raise DataError(
                "WeightedRandomSampler", f"weights of shape {list(values.shape)}{wrong}",
                "expected one finite number >= 0 for each row, and one above 0",
                "for classes of different sizes: weights = 1 / numpy.bincount(y)[y]",
            )  # fmt: skip
        self.count = _count(num_samples, "WeightedRandomSampler")
        if not replacement and self.count > np.count_nonzero(values):
            raise DataError(
                "WeightedRandomSampler",
                f"num_samples = {self.count} without replacement",
                f"expected at most {np.count_nonzero(values)}, the rows whose weight is above 0",
                "write WeightedRandomSampler(weights, num_samples, replacement=True)",
            )
        self.weights = values
        self.replacement = replacement
        self.seed = seed_of(seed, generator, "WeightedRandomSampler")

    def rows(self, epoch: int, seed: int = 0) -> Rows:
        draw = Draw(self._seed(seed), OFFSETS, Cursor(epoch, 2))
        if self.replacement:
            edges = np.cumsum(self.weights)
            found = np.searchsorted(edges, draw.uniform((self.count,)) * edges[-1], side="right")
            # A product may round up to the last edge.
            return np.minimum(found, np.flatnonzero(self.weights)[-1]).astype(np.int64)
        with np.errstate(divide="ignore"):
            keys = -np.log1p(-draw.uniform(self.weights.shape)) / self.weights
        return np.argsort(np.where(self.weights > 0, keys, np.inf), kind="stable")[: self.count].astype(np.int64)


class BatchSampler:
    """Lists of `batch_size` rows of a sampler, for `DataLoader(dataset, batch_sampler=...)`.

    >>> list(BatchSampler(SequentialSampler([5, 6, 7]), batch_size=2, drop_last=False))
    [[0, 1], [2]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        self.sampler = sampler
        self.batch_size = _count(batch_size, "BatchSampler", "batch_size")
        self.drop_last = drop_last
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return self._batches(len(cast(Sized, self.sampler)))

    def __iter__(self) -> Iterator[list[int]]:
        rows = epoch_order(self.sampler, self._epoch)
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            yield rows[start : start + self.batch_size].tolist()

    def _batches(self, rows: int) -> int:
        return rows // self.batch_size if self.drop_last else -(-rows // self.batch_size)


class BucketBatchSampler(BatchSampler):
    """Lists of rows whose lengths are near each other, for `DataLoader(dataset, batch_sampler=..., collate_fn=...)`.

    A row is in the first bucket whose boundary is not below its length. Each epoch shuffles the rows of each bucket,
    and the order of all batches. With `PaddedCollate(boundaries)` a compiled step is traced once for each boundary, and
    once more for a last batch that is smaller.

    Parameters
        lengths       the length of each row
        boundaries    longest length of each bucket, ascending; the last one is at least the longest row
        shuffle       without it, rows and batches come as they stand, bucket after bucket
        drop_last     leave out the rows of each bucket that do not fill a batch

    Example
        >>> batches = BucketBatchSampler([3, 9, 2, 8, 1], 2, [4, 10], seed=0)
        >>> sorted(sorted(rows) for rows in batches)
        [[0], [1, 3], [2, 4]]
    """

    def __init__(
        self,
        lengths: Sequence[int] | Array,
        batch_size: int,
        boundaries: Sequence[int],
        shuffle: bool = True,
        drop_last: bool = False,
        generator: Generator | None = None,
        *,
        seed: int | None = None,
    ) -> None:
        where = "BucketBatchSampler"
        super().__init__((), _count(batch_size, where, "batch_size"), drop_last)
        sizes, edges = row_numbers(lengths, where, "lengths"), rising(boundaries, where)
        if sizes.min() < 0 or sizes.max() > edges[-1]:
            raise DataError(
                where, f"lengths from {sizes.min()} to {sizes.max()} and a last boundary of {edges[-1]}",
                "expected lengths from 0 to the last boundary", f"write boundaries=[..., {max(sizes.max(), 1)}]",
            )  # fmt: skip
        self.shuffle, self._given = shuffle, seed_of(seed, generator, where) or 0
        buckets = np.searchsorted(edges, sizes)
        self._buckets = [np.flatnonzero(buckets == bucket) for bucket in range(len(edges))]

    def __len__(self) -> int:
        return sum(self._batches(len(rows)) for rows in self._buckets)

    def __iter__(self) -> Iterator[list[int]]:
        calls = self._epoch * (len(self._buckets) + 1)
        batches: list[list[int]] = []
        for bucket, rows in enumerate(self._buckets):
            mixed = rows[permutation(len(rows), self._given, SHUFFLE, calls + bucket)] if self.shuffle else rows
            starts = range(0, self._batches(len(rows)) * self.batch_size, self.batch_size)
            batches += [mixed[start : start + self.batch_size].tolist() for start in starts]
        if not self.shuffle:
            return iter(batches)
        return (batches[at] for at in permutation(len(batches), self._given, SHUFFLE, calls + len(self._buckets)))


def epoch_order(sampler: Any, epoch: int, seed: int = 0) -> RowOrder:
    """The rows that any sampler gives for an epoch."""
    if isinstance(sampler, SeededSampler):
        return sampler.order(epoch, seed)
    if hasattr(sampler, "set_epoch"):
        sampler.set_epoch(epoch)
    return row_numbers(ended(sampler, "DataLoader"), type(sampler).__name__)


# Of a sampler without a length, from so many rows on it counts as endless; it may have __len__.
_MOST_ROWS = 1 << 22


def ended(rows: Any, where: str) -> list[Any]:
    """What a sampler gives in one epoch."""
    if hasattr(rows, "__len__"):
        return list(rows)
    found = list(itertools.islice(rows, _MOST_ROWS))
    if len(found) == _MOST_ROWS:
        raise DataError(
            where, f"more than {_MOST_ROWS - 1:,} rows of a {type(rows).__name__} without a length",
            "expected the rows of one epoch, which end", "limit it, or define __len__",
        )  # fmt: skip
    return found


def row_numbers(rows: Any, where: str, name: str = "rows") -> Rows:
    values = np.asarray(rows)
    if values.ndim != 1 or values.dtype.kind not in "iu" or len(values) == 0:
        raise DataError(
            where, f"{name} of dtype {values.dtype} and shape {list(values.shape)}",
            "expected at least one whole number, one for each example",
            "give row numbers of the data set" if name == "rows" else f"give the {name} of all rows",
        )  # fmt: skip
    return values.astype(np.int64)


def rising(boundaries: Any, where: str) -> Rows:
    """Boundaries of buckets, as whole numbers that rise."""
    edges = np.asarray(boundaries)
    if edges.ndim != 1 or edges.dtype.kind not in "iu" or not len(edges) or edges[0] < 1 or (np.diff(edges) < 1).any():
        raise DataError(
            where, f"boundaries = {boundaries!r:.60}", "expected whole numbers >= 1 that rise",
            "for example boundaries=[16, 32, 64]",
        )  # fmt: skip
    return edges.astype(np.int64)


def _count(value: Any, where: str, name: str = "num_samples") -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise DataError(where, f"{name} = {value!r}", "expected a whole number >= 1", f"for example {name}=64")
    return int(value)
