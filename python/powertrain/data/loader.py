"""The loader: batches of a source in an order that depends on (seed, cursor) alone, prefetched by worker threads.

Workers change when a batch is made, never which: the order is pure, tasks are handed out in order and results are
given out in order. Threads rather than processes, since NumPy's copies release the interpreter lock.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from powertrain.data.errors import DataError
from powertrain.data.order import Cursor, EpochOrder, Last, Order, Pick, RandomOrder
from powertrain.data.source import Array, Fields, Source

Sampling = Literal["shuffle", "sequential", "random"]
# Batches that each worker may be ahead; two hide the time that one takes.
_AHEAD = 2
# Handing a batch over costs some tens of microseconds. When one of the first batches took less time than this to make,
# workers would only cost. The least time counts, since others include waiting for a busy machine.
_QUICK_SECONDS = 0.25e-3
_TRIALS = 8
# Workers yield to the threads that compute: this much lower in priority, where the system lets a thread be.
_NICE = 5


class Batch:
    """The named arrays of one batch, with weights (0 for padding), its rows and the cursor after it.

    Fields are attributes (`batch.x`). Iterating gives the fields in order, and then the weights where the loader pads:
    `for x, y, weight in loader`.
    """

    __slots__ = ("_weighted", "cursor", "fields", "indices", "weight")

    def __init__(self, fields: Fields, pick: Pick, weighted: bool) -> None:
        self.fields = fields
        self.weight = pick.weight
        self.indices = pick.indices
        self.cursor = np.array(pick.cursor, dtype=np.int64)
        self._weighted = weighted

    def __getattr__(self, name: str) -> Array:
        try:
            return self.fields[name]
        except KeyError:
            raise AttributeError(f"the batch has no field {name!r}; it has {', '.join(self.fields)}, weight") from None

    def __iter__(self) -> Iterator[Array]:
        yield from self.fields.values()
        if self._weighted:
            yield self.weight

    def __len__(self) -> int:
        """Real examples, without padding."""
        return int(np.count_nonzero(self.weight))


class Loader:
    """Batches of `source`, from the cursor on.

    sampling   "shuffle": every example once an epoch, in a new order; "sequential": as they stand; "random": rows
               drawn with replacement, without end
    last       what becomes of a ragged last batch: "pad" fills it with other examples of weight 0, so that shapes
               stay one; "drop" leaves it out; "short" gives it as it is
    endless    iterate on into the next epoch; else an iteration ends with the epoch and the next one goes on from there
    workers    threads that prefetch; the batches are the same for any number

    >>> loader = Loader(ArraySource(x=np.arange(5)), batch=2, sampling="sequential")
    >>> [weight.sum().item() for x, weight in loader]
    [2.0, 2.0, 1.0]
    """

    def __init__(
        self,
        source: Source,
        batch: int,
        *,
        sampling: Sampling = "shuffle",
        seed: int = 0,
        last: Last = "pad",
        endless: bool = False,
        workers: int = 0,
    ) -> None:
        _check_settings(source, batch, sampling, last, workers)
        self.source = source
        self.batch = batch
        self.sampling: Sampling = sampling
        self.last: Last = last
        self.endless = endless or sampling == "random"
        self.workers = workers
        self.order: Order
        if sampling == "random":
            self.order = RandomOrder(len(source), batch, seed)
        else:
            self.order = EpochOrder(len(source), batch, sampling == "shuffle", seed, last)
        self._cursor = Cursor(0, 0)

    def __len__(self) -> int:
        """Batches of one epoch."""
        return self.order.batches

    @property
    def cursor(self) -> NDArray[np.int64]:
        """Where the next batch begins: [epoch, position]. Loaded into another loader, it gives the same batches."""
        return np.array(self._cursor, dtype=np.int64)

    def seek(self, cursor: Any) -> None:
        """Goes to a cursor that this loader, or one with the same data, batch and seed, had before."""
        values = np.asarray(cursor)
        if values.shape != (2,) or values.dtype.kind not in "iu":
            raise DataError(
                "loader",
                f"a cursor of dtype {values.dtype} and shape {list(values.shape)}",
                "expected two integers, [epoch, position]",
                "give back what `loader.cursor` gave",
            )
        wanted = Cursor(int(values[0]), int(values[1]))
        self.order.check(wanted)
        self._cursor = wanted

    def make(self, pick: Pick) -> Batch:
        """The batch of a pick; the exceptions of a source come out with the rows that caused them."""
        try:
            fields = self.source.fetch(pick.indices)
        except Exception as error:
            rows = ", ".join(str(row) for row in pick.indices[:8]) + (", ..." if len(pick.indices) > 8 else "")
            raise DataError(
                "loader",
                f"{type(error).__name__} while fetching rows {rows}: {error}",
                "expected the source to give every row that its length promises",
                "fetch these rows alone to find the one at fault",
            ) from error
        return Batch(fields, pick, self.last == "pad" and self.sampling != "random")

    def _picks(self) -> Iterator[Pick]:
        cursor = self._cursor
        while True:
            pick = self.order.pick(cursor)
            yield pick
            if pick.cursor.epoch != cursor.epoch and not self.endless:
                return
            cursor = pick.cursor

    def __iter__(self) -> Iterator[Batch]:
        picks = self._picks()
        batches: Iterator[Batch] = (
            map(self.make, picks) if self.workers == 0 else _Prefetched(self.make, picks, self.workers)
        )
        try:
            for batch in batches:
                # Moved on before the batch is given out: a checkpoint after its step must not repeat it.
                self._cursor = Cursor(int(batch.cursor[0]), int(batch.cursor[1]))
                yield batch
        finally:
            if isinstance(batches, _Prefetched):
                batches.close()


class _Cell:
    """The place of one batch in the window."""

    __slots__ = ("batch", "done", "error", "pick")

    def __init__(self, pick: Pick) -> None:
        self.pick = pick
        self.done = False
        self.batch: Batch | None = None
        self.error: Exception | None = None


class _Shared:
    """What the workers see: the picks still to hand out and the window of results, in order."""

    def __init__(self, make: Callable[[Pick], Batch], picks: Iterator[Pick], workers: int) -> None:
        self.make = make
        self.picks = picks
        self.window = workers * _AHEAD
        self.changed = threading.Condition()
        self.results: deque[_Cell] = deque()
        self.seconds: list[float] = []
        self.exhausted = False
        self.stopped = False

    @property
    def full(self) -> bool:
        return len(self.results) >= self.window

    @property
    def quick(self) -> bool:
        """Whether batches are made faster than they are handed over, so that workers would only cost."""
        return len(self.seconds) >= _TRIALS and min(self.seconds) < _QUICK_SECONDS

    def take(self) -> _Cell | None:
        """The next batch to make, with its place; under the lock. None when there is none."""
        pick = None if self.stopped or self.exhausted else next(self.picks, None)
        if pick is None:
            self.exhausted = True
            self.changed.notify_all()
            return None
        self.results.append(_Cell(pick))
        return self.results[-1]

    def fill(self, cell: _Cell) -> None:
        """Makes a batch in its place; outside the lock."""
        start = time.perf_counter()
        try:
            cell.batch = self.make(cell.pick)
        except Exception as error:
            cell.error = error
        seconds = time.perf_counter() - start
        with self.changed:
            cell.done = True
            if len(self.seconds) < _TRIALS:
                self.seconds.append(seconds)
            self.changed.notify_all()


def _work(shared: _Shared) -> None:
    if sys.platform == "linux":
        # On Linux a thread has a priority of its own; elsewhere this would slow the whole process.
        with contextlib.suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICE)
    while True:
        with shared.changed:
            while shared.full and not shared.stopped:
                shared.changed.wait()
            cell = None if shared.quick else shared.take()
        if cell is None:
            return
        shared.fill(cell)


def _stop(shared: _Shared) -> None:
    with shared.changed:
        shared.stopped = True
        shared.changed.notify_all()


class _Prefetched(Iterator[Batch]):
    """Batches made ahead by daemon threads, which hold no reference to this object: dropping it stops them.

    The consumer makes a batch itself rather than wait for one, and all of them once they prove to be quick to make.
    """

    def __init__(self, make: Callable[[Pick], Batch], picks: Iterator[Pick], workers: int) -> None:
        self._shared = _Shared(make, picks, workers)
        self._close = weakref.finalize(self, _stop, self._shared)
        for number in range(workers):
            threading.Thread(target=_work, args=(self._shared,), name=f"loader-{number}", daemon=True).start()

    def __next__(self) -> Batch:
        shared = self._shared
        while True:
            with shared.changed:
                if shared.results and shared.results[0].done:
                    cell = shared.results.popleft()
                    shared.changed.notify_all()
                    break
                mine = None if shared.full else shared.take()
                if mine is None:
                    if not shared.results:
                        raise StopIteration
                    shared.changed.wait()
            if mine is not None:
                shared.fill(mine)
        if cell.error is not None:
            self.close()
            raise cell.error
        assert cell.batch is not None
        return cell.batch

    def close(self) -> None:
        self._close()


def _check_settings(source: Source, batch: int, sampling: str, last: str, workers: int) -> None:
    if len(source) == 0:
        raise DataError("loader", "a source of 0 examples", "expected at least one", "check the file or the split")
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise DataError("loader", f"batch = {batch!r}", "expected a whole number >= 1", "64 is a usual batch")
    if isinstance(workers, bool) or not isinstance(workers, int) or not 0 <= workers <= 256:
        raise DataError("loader", f"workers = {workers!r}", "expected a whole number from 0 to 256", "0 is usual")
    for name, value, allowed in (
        ("sampling", sampling, ("shuffle", "sequential", "random")),
        ("last", last, ("pad", "drop", "short")),
    ):
        if value not in allowed:
            raise DataError("loader", f"{name} = {value!r}", f"expected one of {', '.join(allowed)}", "name one")
