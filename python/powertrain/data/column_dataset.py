"""Examples in Parquet and Arrow files that may together be larger than the memory: rows are read in groups."""

from __future__ import annotations

import functools
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import TypeAlias

import numpy as np

from powertrain.data.arrow_columns import Column, ColumnError, form_of, joined
from powertrain.data.blocks import Blocks
from powertrain.data.collate import field_name
from powertrain.data.column_files import ArrowFile, ColumnFile, ParquetFile
from powertrain.data.dataset import Dataset
from powertrain.data.errors import DataError, DataIndexError
from powertrain.data.paths import Paths, found_paths
from powertrain.data.source import Fields, Indices, anew
from powertrain.io.inputs import max_input_bytes

Group: TypeAlias = "dict[str, Column]"
"""The fields of a group of rows."""


class ColumnDataset(Dataset):
    """Rows of files with columns; the classes below say of which kind."""

    FILE: type[ColumnFile]

    def __init__(
        self, paths: Paths, fields: str | Sequence[str] | Mapping[str, str | Sequence[str]], shuffle_groups: int = 8
    ) -> None:
        where = type(self).__name__
        if isinstance(shuffle_groups, bool) or not isinstance(shuffle_groups, int) or shuffle_groups < 1:
            raise DataError(where, f"shuffle_groups = {shuffle_groups!r}", "expected a whole number >= 1", "8 is usual")
        self.fields = _fields(fields, where)
        # Groups that are shuffled together, and as many again: workers begin with the next ones.
        held = 2 * shuffle_groups
        columns = list(dict.fromkeys(name for names in self.fields.values() for name in names))
        paths = found_paths(paths, where, self.FILE.KIND)
        self._files = [self.FILE(path, columns, where, max_input_bytes() // held) for path in paths]
        self._demand_alike(where)
        self._groups = [(file, at) for file in self._files for at, rows in enumerate(file.rows) if rows]
        if not self._groups:
            raise DataError(where, f"no row in {paths[0]}", "expected some", "check the files")
        edges = np.cumsum([0, *(file.rows[at] for file, at in self._groups)], dtype=np.int64)
        self.blocks = Blocks(edges, shuffle_groups)
        self._held = HeldGroups(self._read, held)
        self._forms = {name: form_of(column) for name, column in self._held.get(0).items()}

    def _demand_alike(self, where: str) -> None:
        first = self._files[0]
        for file in self._files:
            for name, kind in file.types.items():
                if kind != first.types[name]:
                    raise DataError(
                        where, f"{file.path}: column {name} of the type {kind}",
                        f"expected {first.types[name]}, as in {first.path}", "write the files alike",
                    )  # fmt: skip

    def __len__(self) -> int:
        return int(self.blocks.edges[-1])

    @anew()
    def fetch(self, indices: Indices) -> Fields:
        rows = np.asarray(indices, dtype=np.int64)
        if rows.size and not 0 <= rows.min() <= rows.max() < len(self):
            raise DataIndexError(
                type(self).__name__, f"rows {rows.min()} to {rows.max()}", f"expected rows from 0 to {len(self) - 1}",
                "take rows that the files have",
            )  # fmt: skip
        groups = np.searchsorted(self.blocks.edges, rows, side="right") - 1
        rows = rows - self.blocks.edges[groups]
        made: Group = {}
        for group in np.unique(groups).tolist() or [0]:  # of no row too, the fields
            places = np.flatnonzero(groups == group)
            for name, column in self._held.get(group).items():
                if isinstance(column, np.ndarray):
                    out = made.setdefault(name, np.empty((len(rows), *column.shape[1:]), column.dtype))
                    out[places] = column[rows[places]]
                else:
                    texts = made.setdefault(name, [None] * len(rows))
                    for place, row in zip(places.tolist(), rows[places].tolist(), strict=True):
                        texts[place] = column[row]
        return made  # type: ignore[return-value]

    @functools.cached_property
    def targets(self) -> Column:
        """The second field of every example, read without the others."""
        if len(self.fields) < 2:
            raise AttributeError("targets")
        second = list(self.fields)[1]
        parts = [self._fields_of(group, [second])[second] for group in range(len(self._groups))]
        if isinstance(parts[0], np.ndarray):
            return np.concatenate(parts)
        return [value for part in parts for value in part]

    def _fields_of(self, group: int, names: Sequence[str]) -> Group:
        file, at = self._groups[group]
        columns = file.read(at, list(dict.fromkeys(one for name in names for one in self.fields[name])))
        try:
            return {name: joined([columns[one] for one in self.fields[name]]) for name in names}
        except ColumnError as error:
            raise DataError(
                type(self).__name__, f"{file.path}, {file.GROUP} {at}: {error}", "expected columns of one number each",
                "name texts and lists as fields of their own",
            ) from None  # fmt: skip

    def _read(self, group: int) -> Group:
        found = self._fields_of(group, list(self.fields))
        for name, column in found.items() if group else ():
            if form_of(column) != self._forms[name]:
                file, at = self._groups[group]
                raise DataError(
                    type(self).__name__, f"{file.path}, {file.GROUP} {at}: {name} of the form {form_of(column)}",
                    f"expected {self._forms[name]}, as in the first", "write lists of one length",
                )  # fmt: skip
        return found


def _fields(given: str | Sequence[str] | Mapping[str, str | Sequence[str]], where: str) -> dict[str, tuple[str, ...]]:
    """The columns of each field."""
    if not isinstance(given, Mapping):
        names = [given] if isinstance(given, str) else list(given)
        given = {field_name(at): name for at, name in enumerate(names)}
    found = {name: (one,) if isinstance(one, str) else tuple(one) for name, one in given.items()}
    if not found or not all(columns and all(isinstance(one, str) for one in columns) for columns in found.values()):
        raise DataError(
            where, f"fields = {given!r}", "expected names of columns",
            'for example {"x": ["age", "height"], "y": "left"}',
        )  # fmt: skip
    return found


class HeldGroups:
    """The groups that were read last, each by one thread while the others that ask for it wait."""

    def __init__(self, read: Callable[[int], Group], most: int) -> None:
        self._read, self._most = read, most
        self._begin()

    def _begin(self) -> None:
        self._process, self._lock = os.getpid(), threading.Lock()
        self._held: OrderedDict[int, Future[Group]] = OrderedDict()

    def get(self, group: int) -> Group:
        if self._process != os.getpid():  # in a child after a fork, whose parent may have held the lock
            self._begin()
        with self._lock:
            found = self._held.get(group)
            mine = found is None
            if found is None:
                found = self._held[group] = Future()
                if len(self._held) > self._most:
                    self._held.popitem(last=False)
            self._held.move_to_end(group)
        if mine:
            self._fill(group, found)
        return found.result()

    def _fill(self, group: int, future: Future[Group]) -> None:
        try:
            future.set_result(self._read(group))
        except BaseException as error:  # whoever waits must not wait for ever; the next one tries again
            with self._lock:
                self._held.pop(group, None)
            future.set_exception(error)


class ParquetDataset(ColumnDataset):
    """Examples in Parquet files, which are read row group by row group, and not as a whole.

    paths           a pattern such as "train-*.parquet", or paths
    fields          columns: the first is `x`, the second `y`. Or a table of fields, {"x": ["age", "height"],
                    "y": "left"}; several columns of one number each become one array of float32
    shuffle_groups  row groups whose rows are shuffled together. The order of a loader's `shuffle` is random among all
                    row groups, and within so many of them. Twice as many are held in memory.

    A column holds numbers, lists of numbers of one length, tensors, texts or bytes. A batch has texts and bytes as
    lists. Other columns are not read. Nothing in a file can run code.

    Errors    no pyarrow; no file, none that is whole; a column that is not there or of another type than in the first
              file; nothing (null), NaN or lists of several lengths in a column; a row group that is too large:
              DataError, which names the file, the row group and the row
    Example
        >>> data = pt.data.ParquetDataset("train-*.parquet", ("pixels", "label"))  # doctest: +SKIP
        >>> for x, y in pt.data.DataLoader(data, batch_size=64, shuffle=True, num_workers=2):  # doctest: +SKIP
        ...     pass
    """

    FILE = ParquetFile


class ArrowDataset(ColumnDataset):
    """Examples in Arrow files (IPC, in the file format or the stream format; Feather), read batch by batch.

    Arguments are those of `ParquetDataset`; the record batches of a file stand for row groups. A whole record batch is
    read for some of its columns. Compressed files are unpacked; columns of the type dictionary are refused.

    Errors    as of `ParquetDataset`
    Example
        >>> data = pt.data.ArrowDataset("train.arrow", {"x": ["age", "height"], "y": "left"})  # doctest: +SKIP
        >>> data[0]  # doctest: +SKIP
        (array([34. , 1.7], dtype=float32), 1)
    """

    FILE = ArrowFile
