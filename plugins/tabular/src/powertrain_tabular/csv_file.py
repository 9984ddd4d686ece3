"""CSV files as people have them: pyarrow parses; this finds out how a file is written and names what is wrong in it."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import IO, Any

from powertrain.data import DataError, max_input_bytes
from powertrain.plugin import param
from powertrain_tabular.texts import Marks, dates, dates_by, found_marks, numbers, told_marks

# What stands for a gap.
GAPS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"]
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Characters and lines from which separator and decimal sign are told.
_HEAD, _LOOKED_AT = 1 << 20, 200


@dataclass(frozen=True, kw_only=True)
class Csv:
    """How a CSV file is written. The names are those of pandas.read_csv."""

    sep: str = param("auto", doc="between values: , ; | or a tab (\\t); auto: the one that cuts the first lines alike")
    encoding: str = param(
        "utf-8", doc="encoding of the text, such as latin-1 or cp1252; a byte order mark is recognized"
    )
    decimal: str = param("auto", choices=("auto", ".", ","), doc="auto: the sign by which columns are numbers")
    thousands: str = param(
        "", choices=("", ",", ".", " ", "'", "_"), doc="what groups the digits of large numbers; else found out"
    )
    header: bool = param(True, doc="whether the first line names the columns; false: they are called c0, c1, ...")
    names: tuple[str, ...] = param((), doc="names of the columns, in place of those of the file")
    quotechar: str = param('"', doc="around values that hold a separator or a line's end")
    na_values: tuple[str, ...] = param((), doc="what stands for a gap, besides nothing, NA, NaN, null, None and ?")
    date_format: str = param(
        "", doc="format of dates, such as %d/%m/%y; ISO dates, 31.5.2024 and 31/5/2024 are recognized"
    )


@dataclass(frozen=True)
class _Written:
    """How one file is written, all of it found out."""

    sep: str
    marks: Marks
    names: list[str]


@dataclass(frozen=True)
class Parsed:
    """A table of pyarrow, the formats of the columns that became dates by one, and how its numbers are written."""

    table: Any
    formats: dict[str, str]
    marks: Marks


def parse_csv(content: bytes, name: str, settings: Csv, where: str) -> Parsed:
    """A table from the content of a CSV file."""
    text = _decoded(content, name, settings.encoding, where)
    head = text if len(text) <= _HEAD else text[: text.rfind("\n", 0, _HEAD) + 1] or text
    how = _how(head, name, settings, where)
    dated = _of_format(text, head, how, settings, name, where) if settings.date_format else {}
    table = _typed(text, how, settings, name, where, header=head, texts=dated)
    formats, columns = dict.fromkeys(dated, settings.date_format), {}
    for column in how.names:
        columns[column] = dated.get(column, table.column(column))
        if column not in dated and _is_text(columns[column]):
            as_numbers = numbers(columns[column], how.marks)
            found = dates(columns[column], column, where) if as_numbers is None else None
            if as_numbers is not None:
                columns[column] = as_numbers
            elif found is not None:
                columns[column], formats[column] = found
    return Parsed(_table(columns), formats, how.marks)


def _of_format(text: str, head: str, how: _Written, settings: Csv, name: str, where: str) -> dict[str, Any]:
    """The columns whose values are all dates of `date_format`; at least one."""
    table = _typed(text, how, settings, name, where, header=head, texts=how.names)
    found = {column: dates_by(table.column(column), settings.date_format) for column in how.names}
    made = {column: one[0] for column, one in found.items() if one is not None}
    if not made:
        raise DataError(
            where, f'date_format = "{settings.date_format}", which fits no column of {name}',
            "expected a column whose values are all dates of it", "correct it, or leave it out",
        )  # fmt: skip
    return made


def _is_text(values: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(values.type))


def _table(columns: dict[str, Any]) -> Any:
    import pyarrow as pa

    return pa.table(list(columns.values()), names=list(columns))


def csv_pieces(
    file: IO[bytes], name: str, settings: Csv, texts: Collection[str], where: str, known: Marks | None = None
) -> Iterator[Any]:
    """Tables of pyarrow in pieces of about a megabyte, whose columns `texts` stay texts. How the file is written is
    found out from the first piece, and by the marks that are `known` where numbers can be read in several ways."""
    how: _Written | None = None
    before = 0  # lines of earlier pieces
    for content in _whole_rows(file, settings.quotechar.encode()):
        text = _decoded(content, name, settings.encoding, where, before)
        if how is None:
            how = _how(text, name, settings, where, known)
            yield _piece(_typed(text, how, settings, name, where, header=text, texts=texts), how, texts)
        elif text.strip():
            yield _piece(_typed(text, how, settings, name, where, texts=texts, before=before), how, texts)
        before += text.count("\n")
    if how is None:
        raise DataError(where, f"{name} has no rows", "expected a table", "check the file")


def _piece(table: Any, how: _Written, texts: Collection[str]) -> Any:
    columns = {name: table.column(name) for name in how.names}
    for name, values in columns.items():
        if name not in texts and _is_text(values) and (made := numbers(values, how.marks)) is not None:
            columns[name] = made
    return _table(columns)


def _whole_rows(file: IO[bytes], quote: bytes) -> Iterator[bytes]:
    """The bytes of a file in pieces that end where a row does: at a line's end that is not within quotes."""
    held, wide = b"", False
    while part := file.read(_HEAD):
        wide = wide or (not held and part.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)))
        held += part
        if len(held) > max_input_bytes():
            raise DataError(
                "predict", f"a row of more than {max_input_bytes():,} bytes", "expected rows that fit into the memory",
                "is a quote left open?",
            )  # fmt: skip
        end = -1 if wide else held.rfind(b"\n")  # of UTF-16, whose line ends are longer, the whole file is one piece
        while end >= 0 and held.count(quote, 0, end) % 2:
            end = held.rfind(b"\n", 0, end)
        if end >= 0:
            yield held[: end + 1]
            held = held[end + 1 :]
    if held.strip():
        yield held


def _how(head: str, name: str, settings: Csv, where: str, known: Marks | None = None) -> _Written:
    if len(settings.quotechar) != 1 or settings.quotechar in "\r\n":
        received = f"quotechar = {settings.quotechar!r}"
        raise DataError(where, received, "expected one character", 'for example quotechar = "\'"')
    sep = _separator(head, name, settings, where)
    rows = list(itertools.islice(_rows(head, sep, settings), _LOOKED_AT))
    if len(rows) <= settings.header:
        raise DataError(where, f"{name} has no rows", "expected a table", "check the file")
    marks = _marks(rows[settings.header :], sep, settings, name, where, known)
    return _Written(sep, marks, _names(rows[0], settings, name, where))


def _typed(
    text: str,
    how: _Written,
    settings: Csv,
    name: str,
    where: str,
    *,
    header: str = "",
    texts: Collection[str] = (),
    before: int = 0,
) -> Any:
    """A table of pyarrow from rows of text, which begin with what `header` begins with; columns of `texts` stay texts.
    `before` is the number of lines that the file has before them."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    try:
        return pa_csv.read_csv(
            pa.BufferReader(in_arrow(text.encode())),
            read_options=pa_csv.ReadOptions(
                column_names=how.names, skip_rows=_skipped(header, how.sep, settings) if header else 0
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=how.sep, quote_char=settings.quotechar, newlines_in_values=settings.quotechar in text
            ),
            convert_options=pa_csv.ConvertOptions(
                null_values=[*GAPS, *settings.na_values],
                strings_can_be_null=True,
                decimal_point=how.marks.decimal,
                column_types={column: pa.string() for column in how.names if column in texts},
                timestamp_parsers=[pa_csv.ISO8601],
            ),
        )
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _wrong(error, text, how.sep, len(how.names), settings, name, where, before) from None


def in_arrow(content: bytes) -> Any:
    """Bytes in memory of Arrow's own. A thread of Arrow's may be the last to let go of what it has read. Were this an
    object of Python's, and Python at its end, the process would abort (apache/arrow#34314)."""
    import pyarrow as pa

    stream = pa.BufferOutputStream()
    stream.write(content)
    return stream.getvalue()


def _decoded(content: bytes, name: str, encoding: str, where: str, before: int = 0) -> str:
    for mark, of_mark in _MARKS:
        if content.startswith(mark):
            content, encoding = content[len(mark) :], of_mark
            break
    try:
        text = content.decode(encoding)
    except LookupError:
        raise DataError(where, f"encoding = {encoding!r}", "expected one that Python knows", 'try "latin-1"') from None
    except UnicodeDecodeError as error:
        line = before + content.count(b"\n", 0, error.start) + 1
        raise DataError(
            where, f"{name}, line {line}: byte {content[error.start]:#04x} is not {encoding.upper()}",
            "expected a table of texts", 'set encoding = "latin-1", or "cp1252" for a file of Excel, if it is a text',
        ) from None  # fmt: skip
    nul = text.find("\0")
    if nul >= 0:
        line = before + text.count("\n", 0, nul) + 1
        raise DataError(
            where, f"{name}, line {line}: a NUL character", "expected a table of texts",
            'set encoding = "utf-16" if it is that, or fetch the file again: it is damaged',
        )  # fmt: skip
    return text


def _rows(text: str, sep: str, settings: Csv) -> Iterator[list[str]]:
    """Rows of texts; empty lines are passed over, as pyarrow does."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sep, quotechar=settings.quotechar)
    return (row for row in reader if row)


def _separator(text: str, name: str, settings: Csv, where: str) -> str:
    if settings.sep != "auto":
        sep = SEPARATORS.get(settings.sep, settings.sep.replace("\\t", "\t"))
        if len(sep) != 1:
            raise DataError(where, f"sep = {settings.sep!r}", "expected one character", 'for example sep = ";"')
        return sep
    best, most = ("\t" if name.endswith((".tsv", ".tsv.gz")) else ","), 1
    for sep in ("\t", ";", ",", "|"):
        counts = [len(row) for row in itertools.islice(_rows(text, sep, settings), _LOOKED_AT)]
        # What cuts every line into as many values; of several, into the most.
        if counts and min(counts) == max(counts) > most:
            best, most = sep, counts[0]
    return best


def _marks(rows: list[list[str]], sep: str, settings: Csv, name: str, where: str, known: Marks | None) -> Marks:
    if settings.decimal == "auto" and not settings.thousands:
        return found_marks(rows, sep, {*GAPS, *settings.na_values}, name, where, known)
    if settings.decimal == settings.thousands:
        raise DataError(
            where, f'decimal = "{settings.decimal}" and thousands = "{settings.thousands}"', "expected two signs",
            "set one of them otherwise",
        )  # fmt: skip
    return told_marks(settings.decimal, settings.thousands)


def _names(first: list[str], settings: Csv, name: str, where: str) -> list[str]:
    names = list(settings.names) or (first if settings.header else [f"c{at}" for at in range(len(first))])
    if len(names) != len(first):
        raise DataError(
            where, f"{len(names)} names for {len(first)} columns of {name}", "expected one for each", "count them"
        )
    names = [one.strip() for one in names]
    doubled = sorted({one for one in names if names.count(one) > 1})
    if doubled:
        raise DataError(
            where, f"{name} has {doubled[0]} twice", "expected a name for each column",
            "rename one, or set header = false if the first line names nothing",
        )  # fmt: skip
    return names


def _skipped(text: str, sep: str, settings: Csv) -> int:
    """Lines up to the end of the header, for which the columns have names already."""
    if not settings.header:
        return 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sep, quotechar=settings.quotechar)
    next((row for row in reader if row), None)
    return reader.line_num


def _wrong(
    error: Exception, text: str, sep: str, count: int, settings: Csv, name: str, where: str, before: int
) -> DataError:
    """What pyarrow could not parse, with the first line that has too many values or too few."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sep, quotechar=settings.quotechar)
    for row in reader:
        if row and len(row) != count:
            return DataError(
                where, f"{name}, line {before + reader.line_num}: {len(row)} values for {count} columns",
                "expected as many in each line", f'correct the line, or set sep (it is "{sep}" now)',
            )  # fmt: skip
    said = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
    return DataError(where, f"{name}: {said}", "expected a CSV file", "check the file, or set sep and quotechar")
