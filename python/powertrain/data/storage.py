"""Files elsewhere, by URL: of web servers, object stores, archives and this process. fsspec reads them.

Only the schemes below are opened, whatever else fsspec knows: some of its others run programs. A connection that breaks
is tried again a few times; then it is an error that names the URL.
"""

from __future__ import annotations

import importlib.util
import io
import time
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any, BinaryIO, TypeVar

from powertrain.data.errors import DataError, DataFileError
from powertrain.io import inputs
from powertrain.io.inputs import max_input_bytes, read_at_most
from powertrain.io.urls import Url, located

# The module that each scheme needs beside fsspec, and the extra that brings it.
SCHEMES = {"http": ("aiohttp", "remote"), "https": ("aiohttp", "remote"), "memory": ("fsspec", "remote"),
           "s3": ("s3fs", "s3"), "zip": ("zipfile", "")}  # fmt: skip
_ATTEMPTS = 4
_WAIT_SECONDS = 0.25  # before the second attempt; four times as long before each further one
_CONNECT_SECONDS, _READ_SECONDS = 10, 60
_BUFFER = 1 << 18

T = TypeVar("T")


def open_url(url: Url, where: str) -> BinaryIO:
    """Open the file of a URL, to be read from any place on, in ranges of bytes.

    Errors    an unknown scheme; a library that is not installed; nothing there; a server that gives no ranges of bytes,
              or breaks off again and again: DataError
    """
    if url.scheme == "zip":
        raise DataError(
            where, f"{url}, a file in an archive", "expected one that can be read from any position",
            "unpack the archive",
        )  # fmt: skip
    system = _system(url, where)
    return io.BufferedReader(_Ranges(system, url, where, _size(system, url, where)), _BUFFER)


def read_url(url: Url, where: str) -> bytes:
    """Return the whole content of a URL, of at most `max_input_bytes()`; of an archive, of a file in it."""
    if url.scheme == "zip":
        return _member(url, where)
    system = _system(url, where)
    size = _size(system, url, where)
    _demand_room(size, url, where)
    return _tried(lambda: _whole(system.cat_file(url.text), size), url, where)


def matching(pattern: Url, where: str) -> list[Url]:
    """The URLs that a pattern such as s3://bucket/train-*.parquet means, in the order of their names."""
    if pattern.scheme not in ("memory", "s3"):
        raise DataError(
            where, f"the pattern {pattern}", "expected a URL without *: what is there cannot be listed",
            "name each file, in a list",
        )  # fmt: skip
    system = _system(pattern, where)
    found = _tried(lambda: system.glob(pattern.text), pattern, where)
    return [Url(f"{pattern.scheme}://{path.lstrip('/')}") for path in sorted(found)]


def size_of(file: IO[bytes]) -> int:
    """The bytes of an open file, here or elsewhere."""
    raw = getattr(file, "raw", None)
    return raw.size if isinstance(raw, _Ranges) else inputs.size_of(file)


class _Ranges(io.RawIOBase):
    """A file that is read in ranges of bytes, each by a request of its own."""

    def __init__(self, system: Any, url: Url, where: str, size: int) -> None:
        self._system, self._url, self._where, self.size = system, url, where, size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begins = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, begins + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        start, end = self._at, min(self._at + len(buffer), self.size)
        if start >= end:
            return 0
        content = _tried(
            lambda: _whole(self._system.cat_file(self._url.text, start=start, end=end), end - start),
            self._url, self._where,
        )  # fmt: skip
        buffer[: len(content)] = content
        self._at = end
        return len(content)


class _RangeError(OSError):
    """Another number of bytes than was asked for."""


def _whole(content: bytes, size: int) -> bytes:
    if len(content) != size:
        raise _RangeError(f"received {len(content):,} of {size:,} requested bytes")
    return content


def _size(system: Any, url: Url, where: str) -> int:
    size = _tried(lambda: system.info(url.text), url, where).get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise DataError(
            where, f"{url}, whose size is not said", "expected a file of a known size",
            "have the server say Content-Length, or fetch the file first",
        )  # fmt: skip
    return size


def _tried(read: Callable[[], T], url: Url, where: str) -> T:
    """What `read` gives, at the first attempt that does not fail."""
    for attempt in range(_ATTEMPTS):
        try:
            return read()
        except Exception as caught:  # of the client of a scheme, each with exceptions of its own
            error = _cause(caught)
            if isinstance(error, FileNotFoundError):
                raise DataError(where, f"nothing at {url}", "expected a file", "check the address") from None
            if attempt + 1 < _ATTEMPTS and not isinstance(error, PermissionError):
                time.sleep(_WAIT_SECONDS * 4**attempt)
                continue
            said = next(iter(str(error).replace(url.text, str(url)).splitlines()), "") or type(error).__name__
            raise DataError(
                where, f"{url}, at attempt {attempt + 1}: {said}", "expected the requested ranges of bytes",
                "check the connection and the rights, or fetch the file first",
            ) from None  # fmt: skip
    raise AssertionError


def _cause(error: Exception) -> BaseException:
    """Why something failed: over HTTP, fsspec says of every failure that nothing is there."""
    under = error.__cause__
    said_so = under is None or getattr(under, "status", None) in (404, 410)
    return error if said_so or not isinstance(error, FileNotFoundError) else under  # type: ignore[return-value]


def _system(url: Url, where: str) -> Any:
    """fsspec's file system of a scheme."""
    if url.scheme not in SCHEMES:
        raise DataError(
            where, f"{url}, of the scheme {url.scheme}", f"expected one of file, {', '.join(SCHEMES)}",
            "fetch the file, and name its path",
        )  # fmt: skip
    module, extra = SCHEMES[url.scheme]
    for needed in ("fsspec", module):
        if importlib.util.find_spec(needed) is None:
            raise DataError(
                where, f"{url}, and {needed} is not installed", f"expected it, since it reads {url.scheme}://",
                f"pip install 'powertrain[{extra}]'",
            )  # fmt: skip
    import fsspec

    more: dict[str, Any] = {}
    if module == "aiohttp":
        import aiohttp

        waits = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_READ_SECONDS)
        more = {"client_kwargs": {"timeout": waits}}
    return fsspec.filesystem(url.scheme, **more)


def _member(url: Url, where: str) -> bytes:
    """A file in an archive, which is a path or a URL."""
    member, archive = url.in_archive
    if not member or not archive:
        raise DataError(
            where, f"{url}", "expected a file in an archive, and the archive", "write zip://MEMBER::ARCHIVE.zip"
        )
    place = located(archive)
    try:
        opened = open_url(place, where) if isinstance(place, Url) else inputs.open_file(place)
        with opened as file, zipfile.ZipFile(file) as unpacked:
            info = unpacked.getinfo(member)
            _demand_room(info.file_size, url, where)
            with unpacked.open(info) as content:
                return read_at_most(content, info.file_size)
    except DataError:
        raise
    except KeyError:
        raise DataError(where, f"no {member} in {place}", "expected a file in it", "check the name") from None
    except OSError as error:
        raise DataFileError(where, str(place), error) from None
    # RuntimeError for what is encrypted, or packed in a way that zipfile does not know.
    except (zipfile.BadZipFile, RuntimeError, EOFError, zlib.error, ValueError) as error:
        raise DataError(where, f"{url}: {error}", "expected a whole zip file", "fetch it again") from None


def _demand_room(size: int, url: Url, where: str) -> None:
    if size > max_input_bytes():
        raise DataError(
            where, f"{url} has {size:,} bytes", f"expected at most {max_input_bytes():,}, since it is read as a whole",
            "cut it into smaller files",
        )  # fmt: skip
