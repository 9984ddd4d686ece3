"""Tables as columns of three kinds, read from CSV and Parquet by pyarrow."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataError, InputFile, Url, max_input_bytes, read_bytes
from powertrain_tabular.csv_file import Csv, Parsed, csv_pieces, in_arrow, parse_csv
from powertrain_tabular.in_partitions import partitions_of
from powertrain_tabular.texts import MOST_WRONG, Marks, dates_in

Kind = Literal["number", "category", "date", "other"]
Array = NDArray[Any]

SECONDS_OF_A_DAY = 86_400
PLURAL = {"number": "numbers", "category": "categories", "date": "dates", "other": "values of another kind"}
PLAIN = Csv()
POINTED = Marks()
# A number however it is written: 3,14 or 1.234.567,89 or 12 000.
NUMBER = re.compile(r"\s*[+-]?(\d{1,3}([., '_]\d{3})+([.,]\d*)?|\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?\s*")

# A day in whichever order, maybe with a time.
DATE = re.compile(r"\s*\d{1,4}([./-])\d{1,2}\1\d{1,4}([ T].*)?\s*")
FEW = 20  # a target of so many whole numbers is a class


@dataclass(frozen=True)
class Column:
    """Numbers and dates (days since 1970) as float64 with NaN for gaps, categories as texts with None. Of a column of
    another kind there is the name of that kind in each row: it can only be left out. `format` is that of the texts that
    dates were read from, where it is not ISO's."""

    kind: Kind
    values: Array
    format: str = ""

    @property
    def missing(self) -> NDArray[np.bool_]:
        if self.kind in ("category", "other"):
            return np.array([value is None for value in self.values], dtype=bool)
        return np.isnan(self.values)

    def take(self, rows: Any) -> Column:
        return Column(self.kind, self.values[rows], self.format)


class Frame:
    """Columns by name, of one length. Of a piece of a table, `first` is the number of its first row; `marks` say how
    the numbers of its file are written."""

    def __init__(self, columns: Mapping[str, Column], first: int = 0, marks: Marks | None = None) -> None:
        self.columns, self.first, self.marks = dict(columns), first, marks
        self.count = len(next(iter(self.columns.values())).values)

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def take(self, rows: Any) -> Frame:
        return Frame({name: column.take(rows) for name, column in self.columns.items()}, marks=self.marks)

    def without(self, names: Sequence[str]) -> Frame:
        kept = {name: column for name, column in self.columns.items() if name not in names}
        return Frame(kept, marks=self.marks)

    def readable(self, dropped: Sequence[str], where: str) -> Frame:
        """The frame without the dropped columns that hold neither numbers nor texts nor dates; others of these are
        refused."""
        others = {name: column for name, column in self.columns.items() if column.kind == "other"}
        for name, column in others.items():
            if name not in dropped:
                raise DataError(
                    where, f"the column {name} holds {next(iter(column.values), 'nothing')}",
                    "expected numbers, UTF-8 texts or dates", "leave it out (drop)",
                )  # fmt: skip
        return self.without(list(others))

    def demand(self, where: str, *names: str) -> None:
        """Refuse the name of a column that is not there."""
        for name in names:
            if name not in self.columns:
                known = ", ".join(list(self.columns)[:12]) + (", ..." if len(self.columns) > 12 else "")
                lower = {column.lower(): column for column in self.columns}
                near = difflib.get_close_matches(name.lower(), lower, 1)
                fix = f"did you mean {lower[near[0]]}?" if near else "check the name"
                raise DataError(where, f"no column {name}", f"expected it among the columns, which are {known}", fix)


def no_numbers(column: Column, most: float = MOST_WRONG) -> list[tuple[int, str]] | None:
    """The values, with their rows from 1 on, that alone make texts of a column of numbers: at most that share. None
    where more are no numbers."""
    return _strangers(column, NUMBER, most)


def no_dates(column: Column) -> list[tuple[int, str]] | None:
    """The same of dates."""
    return _strangers(column, DATE, MOST_WRONG)


def _strangers(column: Column, pattern: re.Pattern[str], most: float) -> list[tuple[int, str]] | None:
    wrong = []
    for row, value in enumerate(column.values, 1):
        if value is not None and not pattern.fullmatch(value):
            wrong.append((row, value))
            if len(wrong) > most * len(column.values):
                return None
    return wrong


def column_of(values: Sequence[Any]) -> Column:
    """A column from Python values, None for a gap: numbers, or texts where any value is one."""
    if any(isinstance(value, str) for value in values):
        return Column("category", np.array([None if value is None else str(value) for value in values], dtype=object))
    return Column("number", np.array([np.nan if value is None else float(value) for value in values]))


def read_frame(path: Path | Url, where: str, settings: Csv = PLAIN) -> Frame:
    """A CSV file (.csv, .tsv; .gz too) or a Parquet file (.parquet)."""
    return parse_frame(read_bytes(path, where), path, where, settings)


def parse_frame(content: bytes, path: Path | Url, where: str, settings: Csv = PLAIN) -> Frame:
    """A table from the content of a file, whose name says what it is."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pa_parquet
    except ImportError as error:
        raise _no_pyarrow(where, error) from None
    try:
        if path.suffix == ".parquet":
            parsed = Parsed(_parquet(content, pa, pa_parquet), {}, Marks())
        else:
            parsed = parse_csv(content, str(path), settings, where)
    except DataError:
        raise
    except (OSError, ValueError, csv.Error, pa.ArrowException) as error:
        raise _unreadable(where, str(path), error) from None
    table = parsed.table
    if table.num_rows == 0 or table.num_columns == 0:
        raise DataError(where, f"{path} has no rows", "expected a table", "check the file")
    try:
        names = table.column_names
    except UnicodeDecodeError:
        raise DataError(where, f"{path} is not UTF-8", "expected a table of texts", "is it a binary file?") from None
    _demand_unique(names, where, str(path))
    made = {name: _column(table.column(name), form=parsed.formats.get(name, "")) for name in names}
    return Frame(made, marks=parsed.marks)


def frame_of(table: Any, texts: Collection[str] = (), first: int = 0) -> Frame:
    """The columns of a table of pyarrow; those of `texts` are texts, whatever they hold but dates."""
    return Frame({name: _column(table.column(name), name in texts) for name in table.column_names}, first)


def frame_pieces(
    given: InputFile, settings: Csv, texts: Collection[str], count: int, known: Marks | None = None
) -> Iterator[Frame]:
    """A file, or standard input as CSV, in frames of about a megabyte of CSV or `count` rows of Parquet. `known` marks
    count where numbers can be read in several ways."""
    where, first = f"predict {given.name}", 0
    for table in _tables(given, settings, texts, count, where, known):
        yield frame_of(table, texts, first)
        first += table.num_rows


def _tables(
    given: InputFile, settings: Csv, texts: Collection[str], count: int, where: str, known: Marks | None
) -> Iterator[Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pa_parquet
    except ImportError as error:
        raise _no_pyarrow(where, error) from None
    if given.suffix != ".parquet":
        with given.opened() as file:
            yield from csv_pieces(file, given.name, settings, texts, where, known)
        return
    with given.opened() as file:
        try:
            opened = pa_parquet.ParquetFile(pa.PythonFile(file, mode="r"))
            groups = [opened.metadata.row_group(at).total_byte_size for at in range(opened.metadata.num_row_groups)]
            if max(groups, default=0) > max_input_bytes():  # one of them is unpacked at once
                raise ValueError(f"{max(groups):,} bytes in one group of rows; at most {max_input_bytes():,} are read")
            for batch in opened.iter_batches(batch_size=count):
                yield pa.Table.from_batches([batch])
        except (OSError, ValueError, pa.ArrowException) as error:
            raise _unreadable(where, given.name, error) from None


def frame_in_memory(values: Any, texts: Collection[str] = (), where: str = "predict") -> Frame | None:
    """A data frame of pandas, polars or any library that shows its columns to pyarrow; of Dask or Ray Data; a dict of
    columns, a list of rows that are dicts, or a row alone. None of anything else. A column of numbers and texts is one
    of texts, as it is in a file."""
    if hasattr(values, "iloc") and not hasattr(values, "columns"):  # a row of a frame of pandas
        values = dict(values)
    if isinstance(values, Mapping) and values and all(_is_single(value) for value in values.values()):
        values = [values]
    rows = isinstance(values, (list, tuple)) and bool(values) and all(isinstance(one, Mapping) for one in values)
    shown = any(hasattr(values, name) for name in ("__arrow_c_stream__", "__dataframe__"))
    partitions = partitions_of(values)
    if not rows and not shown and partitions is None and not isinstance(values, Mapping):
        return None
    try:
        import pyarrow as pa
    except ImportError as error:
        raise _no_pyarrow(where, error) from None
    try:
        if rows:
            names = dict.fromkeys(name for one in values for name in one)
            values = {name: [one.get(name) for one in values] for name in names}
        if partitions is not None:
            # Gaps may make floats of the whole numbers of one partition, or a column without a kind.
            parts = [_table_of(part, where) for part in partitions()]
            table = pa.concat_tables(parts, promote_options="permissive")
        else:
            table = _table_of(values, where)
        _demand_unique(table.column_names, where)
    except DataError:
        raise
    except (TypeError, ValueError, NotImplementedError, pa.ArrowException) as error:
        raise DataError(
            where, f"columns that pyarrow cannot take: {_first_line(error)}",
            "expected numbers, texts or dates of one kind in each column, all of one length", "convert them",
        ) from None  # fmt: skip
    return frame_of(table, texts)


def _table_of(values: Any, where: str) -> Any:
    """A table of Arrow."""
    import pyarrow as pa
    from pyarrow.interchange import from_dataframe

    if isinstance(values, Mapping) or hasattr(values, "iloc"):
        names = [str(name) for name in (values.columns if hasattr(values, "iloc") else values)]
        _demand_unique(names, where)
        return pa.table({str(name): _in_arrow(str(name), column, where) for name, column in values.items()})
    return pa.table(values) if hasattr(values, "__arrow_c_stream__") else from_dataframe(values)


def _demand_unique(names: Sequence[str], where: str, table: str = "the table") -> None:
    """Refuse a name that two columns have."""
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(where, f"{table} has {doubled[0]} twice", "expected a name for each column", "rename one")


def _in_arrow(name: str, column: Any, where: str) -> Any:
    """A column of a frame of pandas, or of a dict. As in pandas, NaN is a gap among texts too."""
    import pyarrow as pa

    try:
        return pa.array(column, from_pandas=True)
    except pa.ArrowException as error:
        for row, value in enumerate(column):
            if not _is_gap(value) and not isinstance(value, (str, int, float, np.number, np.bool_)):
                raise DataError(
                    where, f"{name} is {type(value).__name__} in row {row:,}: {_first_line(error)}",
                    "expected numbers, texts or dates of one kind in each column", "convert it, or leave it out",
                ) from None  # fmt: skip
        return pa.array([None if _is_gap(value) else str(value) for value in column], pa.string())


def _is_gap(value: Any) -> bool:
    """Whether it is None, NaN, NaT or NA, which equals nothing."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):  # of NA nothing is known; of an array too much
        return np.ndim(value) == 0


def _is_single(value: Any) -> bool:
    """Whether it is one value, and no column of values."""
    return isinstance(value, (str, bytes)) or not hasattr(value, "__len__")


def _no_pyarrow(where: str, error: ImportError) -> DataError:
    return DataError(
        where, f"pyarrow cannot be imported ({error})", "expected it, since it reads tables", "pip install pyarrow"
    )


def _unreadable(where: str, name: str, error: Exception) -> DataError:
    return DataError(where, f"{name}: {_first_line(error)}", "expected a CSV or Parquet file", "check the file")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")


def _parquet(content: bytes, pa: Any, pa_parquet: Any) -> Any:
    """A Parquet file. Its numbers of rows and bytes are looked at first: some bytes can stand for gigabytes."""
    file = pa_parquet.ParquetFile(pa.BufferReader(in_arrow(content)))
    about = file.metadata
    unpacked = max(
        about.num_rows * about.num_columns * 8,
        sum(about.row_group(at).total_byte_size for at in range(about.num_row_groups)),
    )
    if unpacked > max_input_bytes():
        raise ValueError(f"it unpacks to {unpacked:,} bytes; at most {max_input_bytes():,} are read")
    return file.read()


def _column(values: Any, as_text: bool = False, form: str = "") -> Column:
    import pyarrow as pa

    kind = values.type
    if pa.types.is_dictionary(kind) and not isinstance(kind.value_type, pa.BaseExtensionType):
        return _column(values.cast(kind.value_type), True, form)  # categories, also those that are called by numbers
    if as_text and (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        return Column("category", np.array(values.cast(pa.string()).to_pylist(), dtype=object))
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind):
        # Not safe, for which a number beyond 2^53 is an error: as an input its last digits say nothing.
        numbers = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64)
        return Column("number", np.where(np.isfinite(numbers), numbers, np.nan))
    if pa.types.is_decimal(kind):
        return Column("number", values.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64))
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return Column("date", _days(values), form)
    if str(values.type) == "string_view":  # as polars may have texts
        values = values.cast(pa.string())
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return Column("category", np.array(values.to_pylist(), dtype=object))
    return Column("other", np.full(len(values), str(kind), dtype=object))


def _days(values: Any) -> NDArray[np.float64]:
    """Moments as days since 1970."""
    import pyarrow as pa

    seconds = values.cast(pa.timestamp("s"), safe=False).to_numpy(zero_copy_only=False).astype("datetime64[s]")
    days = seconds.astype(np.int64) / SECONDS_OF_A_DAY
    return np.where(np.isnat(seconds), np.nan, days)


def dates_of_texts(values: Array, form: str) -> Column:
    """Texts as dates, by the format that was learned or as ISO has them; gaps where they are neither."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise _no_pyarrow("predict", error) from None
    return Column("date", _days(dates_in(pa.chunked_array([pa.array(values, pa.string())]), form)), form)


def numbers_of_texts(column: Column) -> Column:
    """Texts as the numbers that they are with a decimal point; gaps where they are none."""
    made = [np.nan if text is None or (found := POINTED.number(text)) is None else found for text in column.values]
    return Column("number", np.array(made, dtype=np.float64))
