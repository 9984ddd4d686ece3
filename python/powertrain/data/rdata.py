"""Texts and tables from an R lazy-load data base (Rdata.rdx and Rdata.rdb), or from an .rda file for each table: how
R packages carry their data sets.

The index (.rdx, compressed) is a list whose element `variables` maps each object to the offset and length of its chunk
in the .rdb; a chunk is a big-endian length and a zlib stream. Both unpack to R's XDR serialization, of which only what
vectors, factors and data frames need is read here. An .rda file is such a serialization of a pairlist behind a line
that says so, compressed as a whole. Source: "R Internals", Serialization Formats, and R's lazyload code.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from pathlib import Path
from typing import Any

from powertrain.data.errors import DataError
from powertrain.io.inputs import max_input_bytes, read_file

_WHERE = "R data"
# SEXP types of the serialization.
_SYMBOL, _PAIRLIST, _STRING, _LOGICAL, _INTEGER, _REAL, _STRINGS, _LIST = 1, 2, 9, 10, 13, 14, 16, 19
_REFERENCE, _NIL = 255, 254
_HAS_ATTRIBUTES, _HAS_TAG, _LATIN1 = 0x200, 0x400, 0x4000
# An index of names and places is small.
_MOST_INDEX = 1 << 26
# What reading a damaged stream may raise.
_DAMAGE = (ArithmeticError, AttributeError, EOFError, LookupError, RecursionError, TypeError, ValueError)
# How R writes a gap in integers, logicals and factors.
_MISSING = -(2**31)


def read_texts(folder: Path) -> dict[str, str]:
    """Each object of the data base that is a vector of strings, its strings joined by newlines."""
    return {
        name: "\n".join(value)
        for name, value in _objects(folder).items()
        if isinstance(value, list) and all(isinstance(line, str) for line in value)
    }


def _objects(folder: Path, only: str = "") -> dict[str, Any]:
    """The objects of the data base, or the one of a name."""
    try:
        if only and (folder / f"{only}.rda").is_file():
            return _of_file(folder / f"{only}.rda")
        # 47: zlib or gzip, whichever it is.
        index = _Reader(_unpacked(zlib.decompressobj(47), read_file(folder / "Rdata.rdx"), _MOST_INDEX)).item()
        chunks = read_file(folder / "Rdata.rdb")
        found = {name: span for name, span in index["variables"].items() if only in ("", name)}
        return {
            name: _Reader(_unpack(chunks[int(offset) : int(offset) + int(length)])).item()
            for name, (offset, length) in found.items()
        }
    except OSError as error:
        raise DataError(
            _WHERE, f"{folder}: {error.strerror or error}", "expected Rdata.rdx and Rdata.rdb", "check the path"
        ) from None
    except (*_DAMAGE, zlib.error, lzma.LZMAError) as error:
        raise DataError(
            _WHERE,
            f"{folder}: {error}",
            "expected whole Rdata files",
            "the files are damaged; install the package again",
        ) from None


def read_r_table(folder: Path | str, name: str) -> dict[str, list[str | float | None]]:
    """Read the columns of a data frame of an R package, from the folder of its Rdata.rdx and
    Rdata.rdb, or of the file NAME.rda.

    Texts and the labels of factors come as str, numbers as float or int, gaps as None. A vector, such as a time series,
    is one column, `values`. R is not needed, and no code of the file is run.

    Errors    files that are missing or damaged, no data frame of that name: DataError
    Source    R Internals, Serialization Formats
    Example
        >>> read_r_table("/usr/lib/R/site-library/modeldata/data", "ames")["Sale_Price"][:2]  # doctest: +SKIP
        [215000, 105000]
    """
    folder = Path(folder)
    frame = _objects(folder, name).get(name)
    if isinstance(frame, list):
        frame = {"values": frame}
    if not isinstance(frame, dict) or not _are_columns(list(frame.values())):
        raise DataError(
            _WHERE, f"no data frame {name} in {folder}", "expected one of that name", "install the package again"
        )
    return frame


def _are_columns(columns: list[Any]) -> bool:
    """Whether these are lists of one length, of texts, numbers and gaps."""
    if not columns or not all(isinstance(column, list) and len(column) == len(columns[0]) for column in columns):
        return False
    return all(value is None or isinstance(value, (str, int, float)) for column in columns for value in column)


def _of_file(path: Path) -> dict[str, Any]:
    """The objects of an .rda file."""
    raw = read_file(path)
    kinds: dict[bytes, Any] = {b"BZh": bz2.BZ2Decompressor, b"\xfd7z": lzma.LZMADecompressor}
    made = _unpacked(kinds.get(raw[:3], lambda: zlib.decompressobj(47))(), raw, max_input_bytes())
    if made[:5] not in (b"RDX2\n", b"RDX3\n"):
        raise ValueError(f"a file that begins with {made[:5]!r}")
    found = _Reader(made[5:]).item()
    if not isinstance(found, dict):
        raise ValueError("no list of objects")
    return found


def _unpack(chunk: bytes) -> bytes:
    """A length of four bytes, then a zlib stream, or a letter and another one."""
    length = int.from_bytes(chunk[:4], "big")
    if length > max_input_bytes():
        raise ValueError(f"an object of {length:,} bytes; at most {max_input_bytes():,} are read")
    if chunk[4:5] == b"Z":
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
        made = _unpacked(lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters), chunk[5:], length)
    elif chunk[4:5] == b"2":
        made = _unpacked(bz2.BZ2Decompressor(), chunk[5:], length)
    else:
        made = _unpacked(zlib.decompressobj(), chunk[4:], length)
    if len(made) != length:
        raise ValueError(f"an object of {len(made):,} bytes, where its chunk says {length:,}")
    return made


def _unpacked(decompressor: Any, packed: bytes, most: int) -> bytes:
    """What a stream holds, if that is at most so many bytes."""
    made = bytes(decompressor.decompress(packed, most + 1))
    if len(made) > most:
        raise ValueError(f"it unpacks to more than {most:,} bytes")
    return made


def _labelled(codes: list[int], levels: list[Any]) -> list[Any]:
    """A factor: numbers from 1 as the labels that they stand for."""
    wrong = next((code for code in codes if code != _MISSING and not 1 <= code <= len(levels)), None)
    if wrong is not None:
        raise ValueError(f"level {wrong} of {len(levels)}")
    return [None if code == _MISSING else levels[code - 1] for code in codes]


class _Reader:
    """One serialized value. Named lists become dicts, factors their labels; other attributes are dropped."""

    def __init__(self, raw: bytes) -> None:
        if raw[:2] != b"X\n":
            raise TypeError(f"a stream that begins with {raw[:2]!r}, not R's XDR")
        self._raw = raw
        self._at = 14  # the format, then the version and two R versions
        self._references: list[Any] = []
        if int.from_bytes(raw[2:6], "big") == 3:
            self._at += 4 + int.from_bytes(raw[14:18], "big")  # the name of the native encoding

    def _integer(self) -> int:
        return int.from_bytes(self._bytes(4), "big", signed=True)

    def _bytes(self, count: int) -> bytes:
        if count < 0 or self._at + count > len(self._raw):
            raise IndexError("the stream ends too early")
        self._at += count
        return self._raw[self._at - count : self._at]

    def item(self) -> Any:
        flags = self._integer()
        kind = flags & 0xFF
        if kind == _NIL:
            return None
        if kind == _REFERENCE:
            return self._referred(flags >> 8 or self._integer())
        if kind == _SYMBOL:
            name = self.item()
            self._references.append(name)
            return name
        if kind == _STRING:
            length = self._integer()
            return None if length < 0 else self._bytes(length).decode("latin-1" if flags & _LATIN1 else "utf-8")
        if kind == _PAIRLIST:
            return self._pairs(flags)
        value = self._vector(kind)
        attributes = self.item() if flags & _HAS_ATTRIBUTES else {}
        if kind == _LIST and "names" in attributes:
            return dict(zip(attributes["names"], value, strict=True))
        if kind in (_INTEGER, _LOGICAL):
            levels = attributes.get("levels")
            return _labelled(value, levels) if levels else [None if one == _MISSING else one for one in value]
        if kind == _REAL:
            return [None if one != one else one for one in value]
        return value

    def _referred(self, number: int) -> Any:
        if not 1 <= number <= len(self._references):
            raise ValueError(f"a reference to symbol {number} of {len(self._references)}")
        return self._references[number - 1]

    def _pairs(self, flags: int) -> dict[str, Any]:
        pairs: dict[str, Any] = {}
        while flags & 0xFF == _PAIRLIST:
            if flags & _HAS_ATTRIBUTES:
                self.item()
            tag = self.item() if flags & _HAS_TAG else str(len(pairs))
            pairs[tag] = self.item()
            flags = self._integer()
        return pairs

    def _vector(self, kind: int) -> list[Any]:
        if kind not in (_LOGICAL, _INTEGER, _REAL, _STRINGS, _LIST):
            raise TypeError(f"an R object of type {kind}")
        length = self._integer()
        if length < 0:
            raise ValueError(f"a vector of the length {length}")
        if kind in (_STRINGS, _LIST):
            return [self.item() for _ in range(length)]
        if kind == _REAL:
            return list(struct.unpack(f">{length}d", self._bytes(8 * length)))
        return [self._integer() for _ in range(length)]
