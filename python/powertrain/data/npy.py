"""Arrays in NumPy's format (.npy, and the members of an .npz): a header in text, then the numbers.

The header is compared with the size of the file before any memory is taken, and nothing is ever unpickled. An array
that is too large for the memory stays in its file, and its rows are read when they are asked for.
"""

from __future__ import annotations

import ast
import math
import os
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.errors import DataError
from powertrain.io.inputs import max_input_bytes, open_file, read_at_most, size_of
from powertrain.io.locks import ModuleLock
from powertrain.io.read_at import read_at

Array = NDArray[Any]
MAGIC = b"\x93NUMPY"
_MOST_HEADER = 10_000  # as NumPy itself allows: what evaluates a longer one may crash
_MOST_AXES = 32
_KINDS = "fiubcUS"  # numbers and texts of a fixed size; the rest would need pickle or is nothing to learn from


class NpyError(ValueError):
    """Content that is no array; the text says why."""


@dataclass(frozen=True)
class Header:
    """What the header says, and where the numbers begin."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    by_columns: bool  # Fortran's order
    start: int

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(file: IO[bytes], size: int | None) -> Header:
    """The header of a file or member of `size` bytes, which then stands where the numbers begin. The size of a stream
    is not known: None."""
    begins = file.read(8) or b""
    if len(begins) < 8 or not begins.startswith(MAGIC):
        raise NpyError(f"it begins with {begins.hex(' ') or 'nothing'}")
    version = begins[6]
    if version not in (1, 2, 3):
        raise NpyError(f"version {version} of the format; 1 to 3 are known")
    width = 2 if version == 1 else 4
    length = int.from_bytes(file.read(width) or b"", "little")
    text = (file.read(length) or b"") if length <= _MOST_HEADER else b""
    if len(text) != length:
        raise NpyError(f"a header of {length:,} bytes" + ("" if size is None else f" in a file of {size:,}"))
    dtype, shape, by_columns = _parsed(text)
    header = Header(dtype, shape, by_columns, 8 + width + length)
    if size is not None and header.bytes != size - header.start:
        held = size - header.start
        raise NpyError(f"{held:,} bytes of numbers for {dtype}{list(shape)}, which takes {header.bytes:,}")
    return header


# CPython 3.11 counts how deep it parses for all threads together: two that parse at once, called from different depths,
# may get a SystemError. The thread that parses may come again, from a finalizer.
_parsing = ModuleLock(threading.RLock)


def _parsed(text: bytes) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    try:
        with _parsing:
            found = ast.literal_eval(text.decode("utf-8"))
        # A list of fields or a Python object is none of these; np.dtype of a list would build what it says.
        said = found["descr"]
        dtype = np.dtype(said) if isinstance(said, str) else None
        shape, by_columns = found["shape"], found["fortran_order"]
    except (ValueError, TypeError, KeyError, SyntaxError, MemoryError, RecursionError):
        raise NpyError("a header that cannot be read") from None
    if dtype is None or dtype.kind not in _KINDS or dtype.itemsize == 0:
        raise NpyError(f"elements of the kind {str(said)[:40]!r}")
    sizes = isinstance(shape, tuple) and len(shape) <= _MOST_AXES
    if not sizes or not all(type(one) is int and 0 <= one < 2**63 for one in shape) or type(by_columns) is not bool:
        raise NpyError(f"a shape of {str(shape)[:40]}")
    return dtype, shape, by_columns


def read_array(file: IO[bytes], size: int) -> Array:
    """The array of an open file or member of `size` bytes."""
    return read_numbers(file, read_header(file, size))


def read_numbers(file: IO[bytes], header: Header) -> Array:
    """The array whose header has been read."""
    if header.bytes > max_input_bytes():
        kind = f"{header.dtype}{list(header.shape)}"
        raise NpyError(f"{kind} takes {header.bytes:,} bytes; at most {max_input_bytes():,} are read")
    content = read_at_most(file, header.bytes)
    if len(content) != header.bytes:
        raise NpyError(f"{len(content):,} bytes of numbers, where the header says {header.bytes:,}")
    return as_array(content, header.dtype, header.shape, by_columns=header.by_columns)


def as_array(content: bytes, dtype: np.dtype[Any], shape: tuple[int, ...], *, by_columns: bool = False) -> Array:
    """Numbers as they stand in a file, in this machine's order of bytes."""
    # A copy, since the bytes object is not to be written to.
    flat = np.frombuffer(content, dtype).astype(dtype.newbyteorder("="))
    return flat.reshape(shape, order="F" if by_columns else "C")


class StoredArray:
    """An array that stays in its .npy file. It has what a source needs: rows by index, and its shape and dtype.

    Rows are read into memory of this process, so a file that another program cuts off meanwhile is an error that says
    so. In a mapped file the same would end the process.
    """

    def __init__(self, path: Path, file: IO[bytes], header: Header) -> None:
        self.path = path
        self.shape = header.shape
        self.dtype = header.dtype.newbyteorder("=")
        self._stored = header.dtype
        self._start = header.start
        self._row_bytes = header.bytes // header.shape[0]
        self._handle = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._handle)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        return self._row_bytes * self.shape[0]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | int) -> Array:
        if isinstance(rows, slice):
            return self.take(np.arange(*rows.indices(len(self)), dtype=np.int64))
        return np.asarray(self.take(np.array([rows]))[0])

    def take(self, indices: NDArray[np.int64], axis: int = 0) -> Array:
        """Rows in the given order, as `numpy.ndarray.take` gives them; neighbours are read at once."""
        rows = np.asarray(indices, dtype=np.int64)
        if rows.size and (int(rows.min()) < 0 or int(rows.max()) >= len(self)):
            raise IndexError(f"rows {int(rows.min())} to {int(rows.max())} of {len(self)}")
        made = np.empty((len(rows), *self.shape[1:]), self._stored)
        if self._row_bytes and len(rows):
            buffer = made.reshape(-1).view(np.uint8).data
            edges = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
            first = rows[edges[:-1]].tolist()
            for row, begin, end in zip(first, edges[:-1], edges[1:], strict=True):
                self._read(buffer[begin * self._row_bytes : end * self._row_bytes], row)
        return made.astype(self.dtype, copy=False)

    def _read(self, buffer: memoryview, row: int) -> None:
        if read_at(self._handle, buffer, self._start + row * self._row_bytes) < len(buffer):
            size = os.fstat(self._handle).st_size
            raise DataError(
                f"arrays {self.path}",
                f"it was cut off: it has {size:,} bytes now, too few for row {row}",
                f"expected the {self._start + self.nbytes:,} bytes that it had when it was opened",
                "leave the file as it is while something reads it",
            )


def open_array(path: Path) -> Array | StoredArray:
    """The array of a .npy file: in memory, or in its file where it would take more than `max_input_bytes()`."""
    with open_file(path) as file:
        size = size_of(file)
        if size <= max_input_bytes():
            return read_array(file, size)
        header = read_header(file, size)
        if header.by_columns or not header.shape:
            raise NpyError(f"{size:,} bytes in Fortran's order, which cannot be read row by row")
        return StoredArray(path, file, header)
