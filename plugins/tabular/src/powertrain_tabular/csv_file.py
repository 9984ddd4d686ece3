"""CSV files as people have them: pyarrow parses; this finds out how a file is written and names what is wrong in it."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import IO, Any

from powertrain.data import DataError, max_input_bytes
from powertrain.plugin import param

# What stands for a gap.
GAPS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"]
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Characters and lines from which separator and decimal sign are told.
_HEAD, _LOOKED_AT = 1 << 20, 200
_WITH_COMMA = re.compile(r"[+-]?\d+,\d+")
_WITH_POINT = re.compile(r"[+-]?\d*\.\d+")
# A day first, as written with points; with strokes either order, which the numbers must tell.
_POINTS, _STROKES = "%d.%m.%Y", {"day first": "%d/%m/%Y", "month first": "%m/%d/%Y"}
_STROKED = r"^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}$"


@dataclass(frozen=True, kw_only=True)
class Csv:
    """How a CSV file is written. The names are those of pandas.read_csv."""

    sep: str = param("auto", doc="between values: , ; | or a tab (\\t); auto: the one that cuts the first lines alike")
    encoding: str = param("utf-8", doc="of the text, such as latin-1 or cp1252; a byte order mark is seen")
    decimal: str = param("auto", choices=("auto", ".", ","), doc="auto: a comma where numbers can only be read so")
    thousands: str = param("", choices=("", ",", ".", " ", "'", "_"), doc="what groups the digits of large numbers")
    header: bool = param(True, doc="whether the first line names the columns; false: they are called c0, c1, ...")
    names: tuple[str, ...] = param((), doc="names of the columns, in place of those of the file")
    quotechar: str = param('"', doc="around values that hold a separator or a line's end")
    na_values: tuple[str, ...] = param((), doc="what stands for a gap, besides nothing, NA, NaN, null, None and ?")
    date_format: str = param("", doc="of dates, such as %d/%m/%Y; ISO dates, and those with points, are seen")


@dataclass(frozen=True)
class _Written:
    """How one file is written, all of it found out."""

    sep: str
    decimal: str
    names: list[str]


def parse_csv(content: bytes, name: str, settings: Csv, where: str) -> Any:
    """A table of pyarrow from the content of a CSV file."""
    text = _decoded(content, name, settings.encoding, where)
    head = text if len(text) <= _HEAD else text[: text.rfind("\n", 0, _HEAD) + 1] or text
    return _parsed(text, _how(head, name, settings, where), settings, name, where, header=head)


def csv_pieces(file: IO[bytes], name: str, settings: Csv, texts: Collection[str], where: str) -> Iterator[Any]:
    """The same in pieces of about a megabyte, whose columns `texts` stay texts. How the file is written is found out
    from the first piece."""
    how: _Written | None = None
    before = 0  # lines of earlier pieces
    for content in _whole_rows(file, settings.quotechar.encode()):
        text = _decoded(content, name, settings.encoding, where, before)
        if how is None:
            how = _how(text, name, settings, where)
            yield _parsed(text, how, settings, name, where, header=text, texts=texts)
        elif text.strip():
            yield _parsed(text, how, settings, name, where, texts=texts, before=before)
        before += text.count("\n")
    if how is None:
        raise DataError(where, f"{name} has no rows", "expected a table", "check the file")


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


def _how(head: str, name: str, settings: Csv, where: str) -> _Written:
    if len(settings.quotechar) != 1 or settings.quotechar in "\r\n":
        received = f"quotechar = {settings.quotechar!r}"
        raise DataError(where, received, "expected one character", "a single ' is usual too")
    sep = _separator(head, name, settings, where)
    rows = list(itertools.islice(_rows(head, sep, settings), _LOOKED_AT))
    if len(rows) <= settings.header:
        raise DataError(where, f"{name} has no rows", "expected a table", "check the file")
    decimal = _decimal(rows[settings.header :], sep, settings, name, where)
    return _Written(sep, decimal, _names(rows[0], settings, name, where))


def _parsed(
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
    """A table of pyarrow from rows of text, which begin with what `header` begins with; `before` is the number of lines
    that the file has before them."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    kept = how.names if settings.thousands else [column for column in how.names if column in texts]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(text.encode()),
            read_options=pa_csv.ReadOptions(
                column_names=how.names, skip_rows=_skipped(header, how.sep, settings) if header else 0
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=how.sep, quote_char=settings.quotechar, newlines_in_values=settings.quotechar in text
            ),
            convert_options=pa_csv.ConvertOptions(
                null_values=[*GAPS, *settings.na_values],
                strings_can_be_null=True,
                decimal_point=how.decimal,
                column_types={column: pa.string() for column in kept},
                timestamp_parsers=[pa_csv.ISO8601, *([settings.date_format] if settings.date_format else [_POINTS])],
            ),
        )
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _wrong(error, text, how.sep, len(how.names), settings, name, where, before) from None
    columns = [
        table.column(at) if column in texts else _finished(table.column(at), column, how.decimal, settings, where)
        for at, column in enumerate(how.names)
    ]
    return pa.table(columns, names=how.names)


def _decoded(content: bytes, name: str, encoding: str, where: str, before: int = 0) -> str:
    for mark, of_mark in _MARKS:
        if content.startswith(mark):
            content, encoding = content[len(mark) :], of_mark
            break
    try:
        return content.decode(encoding)
    except LookupError:
        raise DataError(where, f"encoding = {encoding!r}", "expected one that Python knows", 'try "latin-1"') from None
    except UnicodeDecodeError as error:
        line = before + content.count(b"\n", 0, error.start) + 1
        raise DataError(
            where, f"{name}, line {line}: byte {content[error.start]:#04x} is not {encoding.upper()}",
            "expected a table of texts", 'set encoding = "latin-1", or "cp1252" for a file of Excel, if it is a text',
        ) from None  # fmt: skip


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


def _decimal(rows: list[list[str]], sep: str, settings: Csv, name: str, where: str) -> str:
    if settings.decimal != "auto":
        if settings.decimal == settings.thousands:
            raise DataError(
                where, f'decimal = "{settings.decimal}" and thousands = "{settings.thousands}"', "expected two signs",
                "set one of them otherwise",
            )  # fmt: skip
        return settings.decimal
    if settings.thousands:
        return "," if settings.thousands == "." else "."
    if sep == "," or any(_WITH_POINT.fullmatch(value.strip()) for row in rows for value in row):
        return "."
    found = [value.strip() for row in rows for value in row if _WITH_COMMA.fullmatch(value.strip())]
    if found and all(re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", value) for value in found):
        raise DataError(
            where, f"{name} holds {found[0]}", "expected to know what the comma is",
            'set decimal = "," or thousands = ","',
        )  # fmt: skip
    return "," if found else "."


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


def _finished(values: Any, column: str, decimal: str, settings: Csv, where: str) -> Any:
    """A column of texts as the numbers or dates that they are, where pyarrow cannot know it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_string(values.type):
        return values
    if settings.thousands:
        grouped = f"[0-9]+|[0-9]{{1,3}}({re.escape(settings.thousands)}[0-9]{{3}})+"
        number = rf"^\s*[+-]?({grouped})({re.escape(decimal)}[0-9]*)?([eE][+-]?[0-9]+)?\s*$"
        if pc.all(pc.match_substring_regex(values, number)).as_py():
            plain = pc.replace_substring(pc.utf8_trim_whitespace(values), settings.thousands, "")
            return pc.replace_substring(plain, decimal, ".").cast(pa.float64())
        return values
    if not settings.date_format and pc.all(pc.match_substring_regex(values, _STROKED)).as_py():
        return _stroked(values, column, where)
    return values


def _stroked(values: Any, column: str, where: str) -> Any:
    """Dates such as 31/12/2024, if one of them has a number above 12 that tells the day from the month."""
    import pyarrow.compute as pc

    made = []
    for form in _STROKES.values():
        dates = pc.strptime(values, format=form, unit="s", error_is_null=True)
        if dates.null_count == values.null_count:
            made.append(dates)
    if len(made) == 1:
        return made[0]
    if not made:
        return values
    raise DataError(
        where, f"the column {column} holds dates such as {next(one for one in values.to_pylist() if one)}",
        "expected to know which is the day", 'set date_format = "%d/%m/%Y" or "%m/%d/%Y"',
    )  # fmt: skip
