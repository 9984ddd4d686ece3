"""Where the members of a tar file lie: its headers, read one by one and within bounds. Nothing is unpacked."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from powertrain.data.errors import DataError
from powertrain.data.formats import open_file
from powertrain.data.storage import size_of
from powertrain.io.inputs import read_at
from powertrain.io.urls import Url

_BLOCK = tarfile.BLOCKSIZE
_MOST_NAME = 1 << 16  # bytes of what extends a header: a long name, or the records of pax
_MOST_END = 1 << 20  # bytes behind the last member: writers fill up a record of some kilobytes


class Member(NamedTuple):
    """A regular file in a tar file: its name, and where its bytes lie."""

    name: str
    start: int
    size: int


class TarError(ValueError):
    """Content that is no tar file; the text says why."""


def tar_members(path: Path | Url, where: str) -> Iterator[Member]:
    """The regular files in a tar file, in order.

    Errors    no tar file, one that is packed or cut off; links, devices and sparse files in it; an absolute name or one
              with "..": DataError
    """
    with open_file(path, where) as file:
        try:
            yield from _members(file, size_of(file))
        except (TarError, tarfile.TarError, ValueError) as error:
            raise DataError(
                where, f"{path}: {error}", "expected a whole tar file of regular files",
                "write it again with `tar --create`, without compression",
            ) from None  # fmt: skip


def _members(file: IO[bytes], size: int) -> Iterator[Member]:
    at, extended = 0, dict[str, str]()
    while (header := read_at(file, at, _BLOCK)) != bytes(_BLOCK):
        if len(header) < _BLOCK:
            raise TarError(f"it ends at byte {size:,} without the blocks of zeros that end a tar file")
        info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        start, length = at + _BLOCK, int(extended.get("size", info.size))
        at = start + -(-length // _BLOCK) * _BLOCK
        if length < 0 or at > size:
            raise TarError(f"{info.name} of {length:,} bytes from byte {start:,} on, in {size:,} bytes")
        if info.type in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
            if length > _MOST_NAME:
                raise TarError(f"a name of {length:,} bytes")
            content = read_at(file, start, length)
            extended |= _records(content) if info.type == tarfile.XHDTYPE else {"path": _text(content.rstrip(b"\0"))}
            continue
        name = extended.get("path", info.name)
        sparse = any(key.startswith("GNU.sparse.") for key in extended)  # its bytes are a map, and what is no hole
        extended = {}
        if info.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not sparse:
            if name.startswith("/") or ".." in PurePosixPath(name).parts:
                raise TarError(f"the name {name}, which leads out of a folder")
            yield Member(name, start, length)
        elif info.type not in (tarfile.DIRTYPE, tarfile.XGLTYPE):
            raise TarError(f"{name} is a link, a device or a sparse file")
    _demand_end(file, at, size)


def _demand_end(file: IO[bytes], at: int, size: int) -> None:
    """Refuse what follows the end: members of a second tar file behind the first would be lost."""
    if size - at > _MOST_END or read_at(file, at, _MOST_END).strip(b"\0"):
        raise TarError(f"it ends at byte {at:,}, and has {size:,} bytes")


def _records(content: bytes) -> dict[str, str]:
    """The records "LENGTH KEY=VALUE" of a pax header."""
    found = {}
    while content.strip(b"\0"):
        digits, _, rest = content.partition(b" ")
        length = int(digits) if digits.isdigit() else 0
        key, equals, value = rest[: length - len(digits) - 1].rstrip(b"\n").partition(b"=")
        if not equals or length > len(content):
            raise TarError(f"a record {content[:20]!r} in a pax header")
        found[_text(key)] = _text(value)
        content = content[length:]
    return found


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")
