"""Orders that go by epochs: of a sampler's rows, of a batch sampler's lists, of a stream."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sized
from typing import Any, Literal, TypeVar, cast

import numpy as np

from powertrain.data import drawing
from powertrain.data.errors import DataError
from powertrain.data.order import Cursor, Parts, Pick, misplaced
from powertrain.data.order_pieces import RowOrder, Rows
from powertrain.data.picks import OnePick, Picks
from powertrain.data.samplers import RandomSampler, SeededSampler, ended, epoch_order, row_numbers

Last = Literal["pad", "drop", "short"]
T = TypeVar("T", bound=RowOrder)
_AT_ONCE = 64  # picks that are made together: NumPy's calls cost more than the numbers of one
_SAME = "resume with the data and batch_size that the run began with"


def _checked(rows: T, count: int) -> T:
    # What is no array is an order of all rows.
    low, high = (int(rows.min()), int(rows.max())) if isinstance(rows, np.ndarray) else (0, len(rows) - 1)
    if low < 0 or high >= count:
        raise DataError(
            "DataLoader",
            f"rows {low} to {high} of the sampler",
            f"expected rows from 0 to {count - 1}",
            "make the sampler for this data set",
        )
    return rows


def _no_batch(rows: int, batch: int) -> DataError:
    return DataError(
        "DataLoader",
        f"{rows} examples with batch_size = {batch} and drop_last = True",
        "expected at least one whole batch",
        "lower batch_size or leave drop_last out",
    )


def _length(sampler: Any) -> int:
    return len(sampler) if isinstance(sampler, Sized) else 1 << 62


class EpochOrder:
    """Batches of the rows of a sampler; position counts rows."""

    def __init__(self, sampler: Any, count: int, batch: int, seed: int, last: Last) -> None:
        self.sampler, self.batch, self.seed, self.last = sampler, batch, seed, last
        self.count = count
        if last == "drop" and isinstance(sampler, Sized) and len(sampler) < batch:
            raise _no_batch(len(sampler), batch)

    def __len__(self) -> int:
        return self._batches(len(cast(Sized, self.sampler)))

    def _rows(self, epoch: int) -> RowOrder:
        rows = epoch_order(self.sampler, epoch, self.seed)
        # A permutation of as many rows or fewer needs no look at each of them.
        known = type(self.sampler) is RandomSampler and self.sampler.size <= self.count
        return rows if known else _checked(rows, self.count)

    def _batches(self, rows: int) -> int:
        return rows // self.batch if self.last == "drop" else -(-rows // self.batch)

    def check(self, cursor: Cursor, parts: Parts = ()) -> None:
        count = len(parts[0]) if parts else _length(self.sampler)
        if cursor.epoch < 0 or not 0 <= cursor.position < count or cursor.position % self.batch:
            raise misplaced(cursor, f"a multiple of batch_size = {self.batch} below {count} examples", _SAME)

    def picks(self, cursor: Cursor, parts: Parts = ()) -> Iterator[Pick]:
        return itertools.chain.from_iterable(self.runs(cursor, parts))

    def runs(self, cursor: Cursor, parts: Parts = ()) -> Iterator[Picks]:
        """The same, of which none is made alone: see `Picks`."""
        epoch, position = cursor
        rows: Any = parts[0] if parts else self._rows(epoch)
        kept = () if isinstance(self.sampler, SeededSampler) else (rows,)
        batch, following = self.batch, Cursor(epoch + 1, 0)
        end = self._batches(len(rows)) * batch
        if end == 0:
            raise _no_batch(len(rows), batch)
        for start in range(position, end, _AT_ONCE * batch):
            stop = min(end, start + _AT_ONCE * batch)
            behind = following if stop == end else Cursor(epoch, stop)
            some, weights = rows[start:stop], None
            if missing := stop - start - len(some):
                if self.last == "short":
                    whole = len(some) // batch * batch
                    if whole:
                        middle = Cursor(epoch, start + whole)
                        yield Picks(some[:whole].reshape(-1, batch), start, batch, middle, epoch, kept)
                    yield OnePick(_padded(some[whole:], rows, 0, behind, epoch, kept))
                    return
                # Padded by other real examples, rather than zeros or one repeated: batch statistics stay sensible.
                some = np.concatenate([some, np.resize(rows[:missing], missing)])
                weights = np.ones((len(some) // batch, batch), np.float32)
                weights[-1, batch - missing :] = 0
            yield Picks(some.reshape(-1, batch), start, batch, behind, epoch, kept, weights)


class BatchOrder:
    """The lists of rows that a batch sampler gives; position counts batches."""

    def __init__(self, sampler: Any, count: int) -> None:
        self.sampler = sampler
        self.count = count

    def __len__(self) -> int:
        return len(self.sampler)

    def check(self, cursor: Cursor, parts: Parts = ()) -> None:
        count = len(parts) or _length(self.sampler)
        if cursor.epoch < 0 or not 0 <= cursor.position < count:
            raise misplaced(cursor, f"a batch from 0 to {count - 1}", "resume with the data that the run began with")

    def picks(self, cursor: Cursor, parts: Parts = ()) -> Iterator[Pick]:
        epoch, position = cursor
        if not parts:
            if hasattr(self.sampler, "set_epoch"):
                self.sampler.set_epoch(epoch)
            parts = tuple(
                _checked(row_numbers(rows, "batch_sampler"), self.count) for rows in ended(self.sampler, "DataLoader")
            )
        if not parts:
            raise DataError("batch_sampler", "no batch", "expected at least one", "give lists of row numbers")
        for at in range(position, len(parts)):
            following = Cursor(epoch, at + 1) if at + 1 < len(parts) else Cursor(epoch + 1, 0)
            yield _padded(parts[at], parts[at], 0, following, epoch)._replace(parts=parts)


class StreamOrder:
    """Batches of what an iterable gives, in its order; position counts examples. A resume skips those before it."""

    def __init__(self, stream: Iterable[Any], batch: int, seed: int, last: Last) -> None:
        self.stream, self.batch, self.seed, self.last = stream, batch, seed, last

    def __len__(self) -> int:
        count = len(cast(Sized, self.stream))
        return count // self.batch if self.last == "drop" else -(-count // self.batch)

    def check(self, cursor: Cursor, parts: Parts = ()) -> None:
        if min(cursor) < 0 or cursor.position % self.batch:
            raise misplaced(cursor, f"a multiple of batch_size = {self.batch}", _SAME)

    def _examples(self, epoch: int) -> Iterator[Any]:
        if hasattr(self.stream, "set_epoch"):
            self.stream.set_epoch(epoch)
        examples = iter(self.stream)
        for index in itertools.count():
            with drawing.example(self.seed, epoch, index):
                try:
                    one = next(examples)
                except StopIteration:
                    return
            yield one

    def picks(self, cursor: Cursor, parts: Parts = ()) -> Iterator[Pick]:
        epoch, position = cursor
        examples = self._examples(epoch)
        skipped = sum(1 for _ in itertools.islice(examples, position))
        # One batch ahead: only so is it known which one is the last.
        ahead = list(itertools.islice(examples, self.batch))
        if not ahead or (self.last == "drop" and len(ahead) < self.batch):
            raise DataError(
                "DataLoader", f"a stream of {skipped + len(ahead)} examples in epoch {epoch}",
                f"expected a batch of {self.batch} from example {position} on",
                "start a new iteration in each __iter__: a generator can be read only once",
            )  # fmt: skip
        while ahead:
            batch, ahead = ahead, list(itertools.islice(examples, self.batch))
            if self.last == "drop" and len(ahead) < self.batch:
                ahead = []
            rows = np.arange(position, position + len(batch), dtype=np.int64)
            position += len(batch)
            following = Cursor(epoch, position) if ahead else Cursor(epoch + 1, 0)
            pick = _padded(rows, rows, self.batch if self.last == "pad" else 0, following, epoch)
            yield pick._replace(examples=[batch[at - int(rows[0])] for at in pick.indices])


def _padded(rows: Rows, others: RowOrder, size: int, cursor: Cursor, epoch: int, parts: Parts = ()) -> Pick:
    """A pick of `rows`, filled up to `size` by others of weight 0."""
    count = len(rows)
    weight = np.empty(max(count, size), dtype=np.float32)  # np.ones takes three times as long, which small steps notice
    weight.fill(1)
    if count < size:
        weight[count:] = 0
        rows = np.concatenate([rows, np.resize(others[: size - count], size - count)])
    return Pick(rows, weight, cursor, epoch, (), parts)
