"""Examples that are read once: what a data set gives stays in memory, up to a bound."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain.data import drawing
from powertrain.data.dataset import Dataset, as_source
from powertrain.data.errors import DataError
from powertrain.data.source import Array, ChangingSource, Fields, Indices, anew, length_of, rows_of

if TYPE_CHECKING:
    from powertrain.typing import DatasetLike


class Cached(Dataset):
    """A data set whose examples are read once, and later taken from memory, as far as `max_bytes` holds them.

    dataset     gives the same example for the same number each time; examples of one shape are held
    max_bytes   memory for examples: those that are read first stay, the others are read each time

    Batches are the same with any bound. Put random transforms above it: what they give is never the same twice.

    Errors    a data set that changes its examples at random; max_bytes below 0: DataError
    Example
        >>> held = pt.data.Cached(pt.data.ArrayDataset(x=np.arange(4)), max_bytes=1e6)
        >>> held.fetch(np.array([2, 1]))["x"].tolist(), held.held
        ([2, 1], 2)
    """

    def __init__(self, dataset: DatasetLike, max_bytes: float) -> None:
        self.source = as_source(dataset)
        if isinstance(self.source, ChangingSource):
            raise DataError(
                "Cached", f"a data set of type {type(dataset).__name__}, which may change its examples at random",
                "expected one that gives the same each time", "put the random transforms above it",
            )  # fmt: skip
        if not 0 <= max_bytes < 1 << 63:
            raise DataError("Cached", f"max_bytes = {max_bytes}", "expected a number >= 0", "for example max_bytes=2e9")
        self.max_bytes = int(max_bytes)
        # Where each example is held, or -1.
        self._places = np.full(length_of(self.source, "Cached"), -1, np.int64)
        self._fields: Fields = {}
        self._room = self._taken = 0
        self._renew_lock()

    def _renew_lock(self) -> None:
        """A child after a fork has none of the threads of its parent, of which one may have held the lock."""
        self._lock, self._process = threading.Lock(), os.getpid()

    def __len__(self) -> int:
        return len(self._places)

    @property
    def held(self) -> int:
        """How many examples are held."""
        return self._taken

    @property
    def held_bytes(self) -> int:
        """The memory of those that are held."""
        return self._taken * _row_bytes(self._fields)

    @property
    def full_bytes(self) -> int:
        """The memory of all that will be held; 0 before the first batch."""
        return self._room * _row_bytes(self._fields)

    @anew("source")
    def fetch(self, indices: Indices) -> Fields:
        places = self._places.take(indices)
        missing = np.flatnonzero(places < 0)
        if len(missing) == 0 and len(places):
            return rows_of(self._fields, places)
        rows = np.asarray(indices).take(missing)
        with drawing.batch(0, 0):  # no random number of an example may depend on when it is read
            read = self.source.fetch(rows)
            self._hold(rows, read)
            if len(missing) == len(places):
                return read
            if _form(read) != _form(self._fields):  # nothing of these is held, and they cannot lie in one array
                return self.source.fetch(indices)
        found = rows_of(self._fields, np.maximum(places, 0))
        for name, array in found.items():
            array[missing] = read[name]
        return found

    def _hold(self, rows: Indices, read: Mapping[str, Array]) -> None:
        """Hold those of these examples that are not held and have room."""
        if self._process != os.getpid():
            self._renew_lock()
        with self._lock:
            if not self._fields:
                self._make_room(read)
            if self._taken >= self._room or _form(read) != _form(self._fields):
                return
            _, first = np.unique(rows, return_index=True)
            new = first[self._places[rows[first]] < 0][: self._room - self._taken]
            begin, self._taken = self._taken, self._taken + len(new)
            for name, array in self._fields.items():
                array[begin : self._taken] = read[name][new]
            # Last, since others look without the lock.
            self._places[rows[new]] = np.arange(begin, self._taken)

    def _make_room(self, read: Mapping[str, Array]) -> None:
        """Room for as many examples of this form as there may be; the system gives memory as it is written to."""
        row_bytes = _row_bytes(read)
        if not row_bytes or any(not isinstance(array, np.ndarray) or array.dtype.hasobject for array in read.values()):
            return
        self._room = min(len(self), self.max_bytes // row_bytes)
        if self._room:
            self._fields = {name: np.empty((self._room, *one.shape[1:]), one.dtype) for name, one in read.items()}


def _form(fields: Mapping[str, Array]) -> dict[str, tuple[Any, Any]]:
    return {name: (array.dtype, array.shape[1:]) for name, array in fields.items()}


def _row_bytes(fields: Mapping[str, Any]) -> int:
    return sum(array.nbytes // max(1, len(array)) for array in fields.values() if isinstance(array, np.ndarray))


def caches_of(source: Any) -> Iterator[Cached]:
    """The caches below a data set."""
    if isinstance(source, Cached):
        yield source
    for inner in (getattr(source, "source", None), getattr(source, "dataset", None), *getattr(source, "datasets", ())):
        if inner is not None:
            yield from caches_of(inner)
