"""Parquet and Arrow files as groups of rows, each of which is read at once: row groups, or record batches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from powertrain.data.arrow_columns import Column, ColumnError, arrow, column_of
from powertrain.data.arrow_messages import MessageError, messages, unpacked_bytes
from powertrain.data.errors import DataError
from powertrain.data.formats import open_file
from powertrain.data.storage import size_of
from powertrain.io.inputs import read_at
from powertrain.io.urls import Url

# Of a value in memory, where a file packs it closer.
_VALUE_BYTES = 8


class ColumnFile:
    """A file whose columns are read group by group. It is opened for each group, so that any thread may read.

    rows        the rows of each group
    types       the type of each column that is wanted, in words
    """

    KIND = ""
    GROUP = ""

    def __init__(self, path: Path | Url, columns: Sequence[str], where: str, most_bytes: int) -> None:
        self.path, self._where, self._most = path, where, most_bytes
        self.rows: list[int] = []
        self.types: dict[str, str] = {}
        self._arrow = arrow(where)
        with self._opened() as file:
            schema = self._look(file, columns)
            self.types = {name: self._type(schema, name) for name in columns}

    @abstractmethod
    def _look(self, file: IO[bytes], columns: Sequence[str]) -> Any:
        """Find the groups of rows, without reading them; the schema in pyarrow's form."""

    @abstractmethod
    def _table(self, file: IO[bytes], group: int, columns: Sequence[str]) -> Any:
        """The columns of a group, as a table or a record batch of pyarrow."""

    def read(self, group: int, columns: Sequence[str]) -> dict[str, Column]:
        """Some columns of a group, by name."""
        with self._opened(group) as file:
            table = self._table(file, group, columns)
            if table.num_rows != self.rows[group]:
                raise ValueError(f"{table.num_rows:,} rows, where the file says {self.rows[group]:,}")
            return {name: self._column(table, name) for name in columns}

    def _column(self, table: Any, name: str) -> Column:
        found = table.column(name)
        try:
            return column_of(found if hasattr(found, "chunks") else self._arrow.chunked_array([found]))
        except ColumnError as error:
            raise ColumnError(f"column {name}: {error}") from None

    def _type(self, schema: Any, name: str) -> str:
        if schema.names.count(name) != 1:
            how_often = "twice" if name in schema.names else "in none of its columns"
            raise DataError(
                self._where, f"{self.path}: {name} {how_often}", f"expected one of {', '.join(schema.names[:20])}",
                "name columns that each file has once",
            )  # fmt: skip
        return str(schema.field(name).type)

    def _demand_room(self, group: int, size: int) -> None:
        """Refuse a group that is larger than what may be held of it; before it is unpacked."""
        if size > self._most:
            raise DataError(
                self._where, f"{self.path}, {self.GROUP} {group}: {size:,} bytes",
                f"expected at most {self._most:,}, since several are held at once",
                "lower shuffle_groups, or write the file with smaller ones",
            )  # fmt: skip

    @contextmanager
    def _opened(self, group: int | None = None) -> Iterator[IO[bytes]]:
        """The open file; what goes wrong in the block names it."""
        place = f"{self.path}" if group is None else f"{self.path}, {self.GROUP} {group}"
        try:
            with open_file(self.path, self._where) as file:
                yield file
        except DataError:
            raise
        except ColumnError as error:
            raise DataError(
                self._where, f"{place}, {error}", "expected numbers, lists of numbers of one length, texts or bytes",
                "fill what is missing, cast the column, or choose others",
            ) from None  # fmt: skip
        except (self._arrow.ArrowException, OSError, ValueError, OverflowError) as error:
            said = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
            raise DataError(
                self._where, f"{place}: {said}", f"expected a whole {self.KIND} file", "write or fetch the file again"
            ) from None


class ParquetFile(ColumnFile):
    KIND = "Parquet"
    GROUP = "row group"

    def _look(self, file: IO[bytes], columns: Sequence[str]) -> Any:
        self._about = self._reader(file).metadata
        self._texts: list[str] = []
        for at in range(self._about.num_row_groups):
            group = self._about.row_group(at)
            leaves = [leaf for leaf in map(group.column, range(group.num_columns)) if _is_of(leaf, columns)]
            self._demand_room(
                at, sum(max(one.total_uncompressed_size, _VALUE_BYTES * one.num_values) for one in leaves)
            )
            self.rows.append(group.num_rows)
            # Texts are read as numbers of a dictionary: a few bytes may stand for one text a billion times.
            self._texts = [leaf.path_in_schema for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
        return self._about.schema.to_arrow_schema()

    def _reader(self, file: IO[bytes], **more: Any) -> Any:
        # By an open file in Python: pyarrow would open a path by itself, and may map it.
        opened = self._arrow.PythonFile(file, mode="r")
        return self._arrow.parquet.ParquetFile(opened, page_checksum_verification=True, **more)

    def _table(self, file: IO[bytes], group: int, columns: Sequence[str]) -> Any:
        texts = [name for name in self._texts if name in columns]
        reader = self._reader(file, metadata=self._about, read_dictionary=texts)
        return reader.read_row_group(group, columns=list(columns), use_threads=False)


def _is_of(leaf: Any, columns: Sequence[str]) -> bool:
    """Whether a leaf of Parquet's schema, such as pixels.list.element, is one of the columns or in it."""
    return any(leaf.path_in_schema == name or leaf.path_in_schema.startswith(f"{name}.") for name in columns)


class ArrowFile(ColumnFile):
    """Arrow's file format (also called Feather), or its stream format."""

    KIND = "Arrow"
    GROUP = "record batch"

    def _look(self, file: IO[bytes], columns: Sequence[str]) -> Any:
        read = reading(file)
        schema, *self._batches = messages(read, size_of(file))
        for at, batch in enumerate(self._batches):
            self._demand_room(at, batch.size)
            self.rows.append(batch.rows)
        self._schema = self._arrow.ipc.read_schema(self._arrow.py_buffer(read(schema.start, schema.size)))
        for at in (at for at, rows in enumerate(self.rows) if not rows):
            self._table(file, at, ())  # nobody will read it: what says it has no rows might be damaged
        return self._schema

    def _table(self, file: IO[bytes], group: int, columns: Sequence[str]) -> Any:
        message = self._batches[group]
        content = reading(file)(message.start, message.size)
        self._demand_room(group, unpacked_bytes(message, content[message.head :]))
        made = self._arrow.ipc.read_record_batch(self._arrow.py_buffer(content), self._schema)
        made.validate(full=True)  # what offsets say is otherwise believed
        return made.select(list(columns))


def reading(file: IO[bytes]) -> Callable[[int, int], bytes]:
    """A function that reads so many bytes from a place of a file on."""

    def read(start: int, count: int) -> bytes:
        content = read_at(file, start, count)
        if len(content) < count:
            raise MessageError(f"it ends at byte {start + len(content):,}, and says that more follows")
        return content

    return read
