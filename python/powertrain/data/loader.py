"""The loader: batches of a source in an order that depends on (seed, cursor) alone, prefetched by worker threads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from powertrain.data.batch import Batch
from powertrain.data.errors import DataError
from powertrain.data.order import Cursor, EpochOrder, Last, Order, Pick, RandomOrder
from powertrain.data.prefetch import Prefetched
from powertrain.data.source import Source, fetch_training

Sampling = Literal["shuffle", "sequential", "random"]


class Loader:
    """Batches of `source`, from the cursor on.

    sampling   "shuffle": every example once an epoch, in a new order; "sequential": as they stand; "random": rows
               drawn with replacement, without end
    last       what becomes of a ragged last batch: "pad" fills it with other examples of weight 0, so that shapes
               stay one; "drop" leaves it out; "short" gives it as it is
    endless    iterate on into the next epoch; else an iteration ends with the epoch and the next one goes on from there
    workers    threads that prefetch; the batches are the same for any number
    changes    draw the random transforms of the source, by (seed, cursor): for training

    >>> loader = Loader(pt.data.ArraySource(x=np.arange(5)), batch=2, sampling="sequential")
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
        changes: bool = False,
    ) -> None:
        _check_settings(source, batch, sampling, last, workers)
        self.source = source
        self.batch = batch
        self.sampling: Sampling = sampling
        self.last: Last = last
        self.endless = endless or sampling == "random"
        self.workers = workers
        self.seed = seed
        self.changes = changes
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
            if self.changes:
                fields = fetch_training(self.source, pick.indices, self.seed, pick.cursor)
            else:
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
            map(self.make, picks) if self.workers == 0 else Prefetched(self.make, picks, self.workers)
        )
        try:
            for batch in batches:
                # Moved on before the batch is given out: a checkpoint after its step must not repeat it.
                self._cursor = Cursor(int(batch.cursor[0]), int(batch.cursor[1]))
                yield batch
        finally:
            if isinstance(batches, Prefetched):
                batches.close()


def _check_settings(source: Source, batch: int, sampling: str, last: str, workers: int) -> None:
    if not isinstance(source, Source):
        raise DataError(
            "loader",
            f"a source of type {type(source).__name__}",
            "expected one with len() and fetch(indices)",
            "hold arrays in a pt.data.ArraySource(x=..., y=...)",
        )
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
