"""Texts as the numbers and dates that they stand for: decimal commas, grouped digits, days before months."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from powertrain.data import DataError

# A day first, as written with points; with strokes either order, which the numbers must tell.
_POINTS, _STROKES = "%d.%m.%Y", ("%d/%m/%Y", "%m/%d/%Y")
_POINTED = r"^[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}$"
_STROKED = r"^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}$"
_PLAIN = r"^[0-9]+([.,][0-9]+)?$"
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)?"
_ZONE = r"(Z|[+-][0-9]{2}:?[0-9]{2})"
MOST_WRONG = 0.1  # the share of values that may be no numbers in a column that says how numbers are written


@dataclass(frozen=True)
class Marks:
    """How numbers are written: what stands before the decimals, and what groups the digits before it."""

    decimal: str = "."
    thousands: str = ""

    @property
    def pattern(self) -> str:
        """A number that is written so, for `re` and for pyarrow."""
        grouped = rf"|[1-9][0-9]{{0,2}}({re.escape(self.thousands)}[0-9]{{3}})+" if self.thousands else ""
        point = re.escape(self.decimal)
        return rf"^\s*[+-]?(([0-9]+{grouped})({point}[0-9]*)?|{point}[0-9]+)([eE][+-]?[0-9]+)?\s*$"

    def number(self, text: str) -> float | None:
        """The number that a text is, if it is one."""
        if not re.match(self.pattern, text):
            return None
        plain = text.replace(self.thousands, "") if self.thousands else text
        return float(plain.replace(self.decimal, "."))


COMMA, POINT = Marks(",", "."), Marks(".", ",")


def told_marks(decimal: str, thousands: str) -> Marks:
    """The marks where one of them is said: a decimal comma leaves the point to group digits, and the reverse."""
    if decimal == "auto":
        decimal = "," if thousands == "." else "."
    return Marks(decimal, thousands or (COMMA if decimal == "," else POINT).thousands)


def found_marks(
    rows: Sequence[Sequence[str]], sep: str, gaps: Collection[str], name: str, where: str, known: Marks | None
) -> Marks:
    """The marks by which columns of the first rows are numbers. Where both ways read every value, as they do 1,500, the
    `known` ones of the training file count."""
    comma, point, doubtful = "", "", ""
    for column in itertools.zip_longest(*rows, fillvalue=""):
        values = [text for text in map(str.strip, column) if text not in gaps]
        by_comma = {text for text in values if re.match(COMMA.pattern, text)}
        by_point = {text for text in values if re.match(POINT.pattern, text)}
        read = max(sum(text in texts for text in values) for texts in (by_comma, by_point))
        if read < (1 - MOST_WRONG) * len(values):
            continue
        # Between commas, "1,5" may be a pair; with a point as well it is a number.
        only_comma = [text for text in values if text in by_comma - by_point and (sep != "," or "." in text)]
        only_point = [text for text in values if text in by_point - by_comma]
        comma, point = comma or next(iter(only_comma), ""), point or next(iter(only_point), "")
        doubtful = doubtful or next((text for text in values if text in by_comma & by_point and "," in text), "")
    if comma and point:
        raise DataError(
            where, f"{name} holds {comma} and {point}", "expected to know which is the decimal sign",
            'set decimal = "," or decimal = "."',
        )  # fmt: skip
    if comma or point:
        return COMMA if comma else POINT
    if doubtful and known is None and sep != ",":
        raise DataError(
            where, f"{name} holds {doubtful}", "expected to know what the comma is",
            'set decimal = "," or thousands = ","',
        )  # fmt: skip
    return known or Marks()


def numbers(values: Any, marks: Marks) -> Any:
    """A column of texts as numbers, if each of them has grouped digits or none; else None."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not marks.thousands or not pc.all(pc.match_substring_regex(values, marks.pattern)).as_py():
        return None
    plain = pc.replace_substring(pc.utf8_trim_whitespace(values), marks.thousands, "")
    return pc.replace_substring(plain, marks.decimal, ".").cast(pa.float64())


def dates_in(values: Any, form: str) -> Any:
    """Texts as moments, by a format or as ISO has them; nothing for those that are neither."""
    import pyarrow as pa
    import pyarrow.compute as pc

    made = _iso(values, _ISO + "$", pa.timestamp("us"))
    zoned = _iso(values, _ISO + _ZONE + "$", pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    found = pc.coalesce(made, zoned)
    if not form:
        return found
    return pc.coalesce(pc.strptime(values, format=form, unit="us", error_is_null=True), found)


def _iso(values: Any, pattern: str, kind: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.if_else(pc.match_substring_regex(values, pattern), values, pa.scalar(None, pa.string()))
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:  # one of them is no day, such as 2024-02-30
        made = [_moment(text, kind) for text in texts.to_pylist()]
        return pa.chunked_array([pa.array(made, kind)])


def _moment(text: str | None, kind: Any) -> Any:
    import pyarrow as pa

    try:
        return None if text is None else pa.scalar(text, pa.string()).cast(kind).as_py()
    except pa.ArrowInvalid:
        return None


def dates(values: Any, column: str, where: str) -> tuple[Any, str] | None:
    """A column of texts as dates, with the format in which each of them is written, if there is one: points, or
    strokes where a number above 12 tells the day from the month."""
    import pyarrow.compute as pc

    if pc.all(pc.match_substring_regex(values, _POINTED)).as_py():
        return dates_by(values, _POINTS)
    if not pc.all(pc.match_substring_regex(values, _STROKED)).as_py():
        return None
    made = [found for form in _STROKES if (found := dates_by(values, form)) is not None]
    if len(made) < 2:
        return made[0] if made else None
    raise DataError(
        where, f"the column {column} holds dates such as {next(one for one in values.to_pylist() if one)}",
        "expected to know which is the day", 'set date_format = "%d/%m/%Y" or "%m/%d/%Y"',
    )  # fmt: skip


def dates_by(values: Any, form: str) -> tuple[Any, str] | None:
    """A column of texts as dates of a format, with the format, if each of them is. Numbers are dates where they have
    all digits of one: 20240531, but not 34 as a year."""
    import pyarrow.compute as pc

    made = pc.strptime(values, format=form, unit="s", error_is_null=True)
    if not made.null_count == values.null_count < len(values):
        return None
    if pc.all(pc.match_substring_regex(values, _PLAIN)).as_py():
        written = pc.strftime(made, format=form)
        if not pc.all(pc.equal(written, values)).as_py():
            return None
    return made, form
