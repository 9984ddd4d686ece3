"""Readers of data files: texts, idx (the MNIST format), npy and npz without pickle, and the search for a file."""

from __future__ import annotations

import gzip
import io
import lzma
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np

from powertrain.data.errors import DataError, DataFileError
from powertrain.data.npy import MAGIC, Array, NpyError, StoredArray, open_array, read_array
from powertrain.data.storage import open_url, read_url
from powertrain.io import inputs
from powertrain.io.inputs import max_input_bytes, read_at_most, read_file, size_of
from powertrain.io.urls import Url, located

_MOST_AXES = 32
_DAMAGED = (EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OverflowError)
_IDX_DTYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def find_files(names: Iterable[str], folders: Iterable[Path | str], where: str, how_to_get: str) -> list[Path]:
    """Find the files `names` in the first folder that has them all.

    where       what the error begins with, such as the name of the data set
    how_to_get  the command that brings the files, which ends the error

    Errors    no folder has them all: DataError, which lists the folders
    Example
        >>> find_files(["a.csv"], data_folders("mine"), "mine", "get it from ...")  # doctest: +SKIP
        [PosixPath('/data/mine/a.csv')]
    """
    wanted = list(names)
    looked = [Path(folder) for folder in folders]
    for folder in looked:
        paths = [folder / name for name in wanted]
        if all(path.is_file() for path in paths):
            return paths
    places = ", ".join(str(folder) for folder in looked) or "POWERTRAIN_DATA, which is not set"
    raise DataError(where, f"no {wanted[0]} in {places}", "expected the data set in one of them", how_to_get)


def data_folders(*below: str) -> list[Path]:
    """Return the given paths below the folder $POWERTRAIN_DATA, and that folder; nothing where it is not set.

    Example
        >>> data_folders("mnist")  # doctest: +SKIP
        [PosixPath('/data/mnist'), PosixPath('/data')]
    """
    root = os.environ.get("POWERTRAIN_DATA")
    return [] if not root else [*(Path(root) / path for path in below), Path(root)]


def open_file(path: Path | str | Url, where: str = "data") -> BinaryIO:
    """Open a regular file to read its bytes: no pipe that nobody writes to, no device without an end. A URL is one too.

    Read it, and do not map it: a mapping ends the process when another program cuts the file off. `max_input_bytes()`
    says what may be read at once.

    Errors    nothing there, no right to read it, or not a regular file: DataFileError, which is an OSError too. Of a
              URL: DataError
    Example
        >>> with open_file("/etc/passwd") as file: file.read(4)  # doctest: +SKIP
        b'root'
    """
    place = located(path)
    if isinstance(place, Url):
        return open_url(place, where)
    try:
        return inputs.open_file(place)
    except OSError as error:
        raise DataFileError(where, str(path), error) from None


@contextmanager
def opened(path: Path | Url, where: str) -> Iterator[IO[bytes]]:
    """A file to read from, unpacked when its name ends in .gz; a file that fails meanwhile is a DataError."""
    try:
        with io.BytesIO(read_url(path, where)) if isinstance(path, Url) else inputs.open_file(path) as file:
            if path.suffix == ".gz":
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield unpacked  # type: ignore[misc]
            else:
                yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            where, f"{path}: {error}", "expected a whole gzip file", "the file is damaged or cut off; fetch it again"
        ) from None
    except OSError as error:
        raise DataError(where, f"{path}: {error.strerror}", "expected a readable file", "check the path") from None


def read_bytes(path: Path | str | Url, where: str = "data") -> bytes:
    """Read a whole file, or what is at a URL; one whose name ends in .gz is unpacked.

    Errors    a file that cannot be read, or has more than `max_input_bytes()`; a damaged .gz: DataError
    Example
        >>> read_bytes("table.csv.gz", "mine")  # doctest: +SKIP
        b'a,b...'
    """
    path = located(path)
    try:
        if path.suffix != ".gz":
            return read_url(path, where) if isinstance(path, Url) else read_file(path)
    except OSError as error:
        raise DataError(where, f"{path}: {error.strerror}", "expected a readable file", "check the path") from None
    with opened(path, where) as file:
        content = read_at_most(file, max_input_bytes() + 1)
    if len(content) > max_input_bytes():
        raise DataError(
            where, f"{path} unpacks to more than {max_input_bytes():,} bytes",
            "expected a file that fits into the memory",
            "split it into smaller files",
        )  # fmt: skip
    return content


def read_text(path: Path | str | Url, where: str = "data") -> str:
    """Read a UTF-8 text of a file or a URL, without a byte order mark; one whose name ends in .gz is unpacked.

    Errors    as of `read_bytes`; bytes that are not UTF-8: DataError
    Example
        >>> read_text("poems.txt", "mine")  # doctest: +SKIP
        'Shall I compare ...'
    """
    path = located(path)
    try:
        return read_bytes(path, where).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            where, f"byte {error.start} of {path.name} is not UTF-8", "expected a UTF-8 text",
            "convert it with `iconv -t utf-8`",
        ) from None  # fmt: skip


def read_idx(path: Path | str, where: str = "idx") -> Array:
    """Read the array of an idx file, the format of MNIST; one whose name ends in .gz is unpacked.

    It is two zero bytes, the dtype, the number of axes, big-endian sizes, and the numbers.

    Errors    a file that cannot be read, is no idx file, is cut off or too large: DataError
    Example
        >>> read_idx("train-images-idx3-ubyte.gz").shape  # doctest: +SKIP
        (60000, 28, 28)
    """
    path = Path(path)
    with opened(path, where) as file:
        begins = file.read(4)
        sizes = file.read(4 * begins[3]) if len(begins) == 4 else b""
        if len(begins) < 4 or begins[:2] != b"\0\0" or begins[2] not in _IDX_DTYPES or len(sizes) < 4 * begins[3]:
            raise DataError(
                where,
                f"{path} begins with {begins.hex(' ') or 'nothing'}",
                "expected the magic number of an idx file, such as 00 00 08 03",
                "give an idx file, as MNIST and Fashion-MNIST have them",
            )
        shape = struct.unpack(f">{begins[3]}I", sizes)
        dtype = np.dtype(_IDX_DTYPES[begins[2]])
        needed = math.prod(shape) * dtype.itemsize
        if len(shape) > _MOST_AXES or needed > max_input_bytes():
            raise DataError(
                where,
                f"{path} says that it holds {needed:,} bytes in {len(shape)} axes",
                f"expected at most {max_input_bytes():,} bytes in at most {_MOST_AXES} axes",
                "the file is damaged, or too large for this machine",
            )
        content = read_at_most(file, needed + 1)
    if len(content) != needed:
        held = f"more than {needed:,}" if len(content) > needed else f"{len(content):,}"
        raise DataError(
            where,
            f"{path} holds {held} bytes of numbers",
            f"expected {needed:,} for shape {list(shape)}",
            "the file is cut off or damaged; fetch it again",
        )
    array = np.frombuffer(content, dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def read_arrays(path: Path | str, where: str = "arrays") -> dict[str, Array]:
    """Read the arrays of an .npz file, or the one of an .npy file, which has the file's name. Nothing is unpickled.

    Errors    a file that cannot be read, is damaged or too large, or holds objects: DataError
    Example
        >>> read_arrays("arrays.npz")["x"].shape  # doctest: +SKIP
        (1000, 784)
    """
    path = Path(path)
    with numpy_file(path, where), inputs.open_file(path) as file:
        begins = file.read(6)
        file.seek(0)
        if begins.startswith(MAGIC):
            return {path.stem: read_array(file, size_of(file))}
        if not begins.startswith(b"PK"):
            raise NpyError(f"it begins with {begins.hex(' ') or 'nothing'}")
        return _members(file)


def read_stored(path: Path, where: str) -> Array | StoredArray:
    """The array of a .npy file, which stays in the file where it is too large for the memory."""
    with numpy_file(path, where):
        return open_array(path)


@contextmanager
def numpy_file(path: Path, where: str) -> Iterator[None]:
    """Says in one way what is wrong with an .npz or .npy file."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataFileError(where, str(path), error) from None
    except DataError:
        raise
    # zipfile raises RuntimeError for what is encrypted, or packed in a way that it does not know.
    except (*_DAMAGED, OSError, ValueError, RuntimeError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError(
            where,
            f"{path}: {said.rstrip('.')}",
            "expected a whole .npz or .npy file of plain numbers",
            "save it again with numpy.savez(path, x=x, y=y)",
        ) from None


def _members(file: IO[bytes]) -> dict[str, Array]:
    """The arrays of an .npz, whose sizes together are checked before the first is unpacked."""
    with zipfile.ZipFile(file) as archive:
        members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
        if not members:
            raise NpyError("it holds no array")
        names = [info.filename.removesuffix(".npy") for info in members]
        if doubled := next((name for at, name in enumerate(names) if name in names[:at]), None):
            raise NpyError(f"it holds {doubled!r} twice")
        total = sum(info.file_size for info in members)
        if total > max_input_bytes():
            raise NpyError(f"it unpacks to {total:,} bytes; at most {max_input_bytes():,} are read")
        made = {}
        for name, info in zip(names, members, strict=True):
            with archive.open(info) as member:
                try:
                    made[name] = read_array(member, info.file_size)
                except NpyError as error:
                    raise NpyError(f"{name}: {error}") from None
        return made
