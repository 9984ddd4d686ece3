"""Readers of data files: idx (the MNIST format), npy and npz without pickle, and the search for a file."""

from __future__ import annotations

import gzip
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from powertrain.data.errors import DataError
from powertrain.data.source import Array

NUMPY_FILES = (b"\x93NUMPY", b"PK")  # how .npy and .npz begin
_IDX_DTYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def find(names: Iterable[str], folders: Iterable[Path | str], where: str, how_to_get: str) -> list[Path]:
    """The files `names` in the first folder that has them all; the error lists where was looked and how to get them."""
    wanted = list(names)
    looked = [Path(folder) for folder in folders]
    for folder in looked:
        paths = [folder / name for name in wanted]
        if all(path.is_file() for path in paths):
            return paths
    places = ", ".join(str(folder) for folder in looked)
    raise DataError(where, f"no {wanted[0]} in {places}", "expected the data set in one of them", how_to_get)


def data_folders(*below: str) -> list[Path]:
    """$POWERTRAIN_DATA, if set, and the given paths below it."""
    root = os.environ.get("POWERTRAIN_DATA")
    return [] if not root else [*(Path(root) / path for path in below), Path(root)]


def read_bytes(path: Path, where: str) -> bytes:
    """The content of a file, unpacked when its name ends in .gz."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(where, f"{path}: {error.strerror}", "expected a readable file", "check the path") from None
    if path.suffix != ".gz":
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            where, f"{path}: {error}", "expected a whole gzip file", "the file is damaged or cut off; fetch it again"
        ) from None


def read_idx(path: Path, where: str = "idx") -> Array:
    """An array from an idx file: two zero bytes, the dtype, the number of axes, big-endian sizes, the numbers."""
    raw = read_bytes(path, where)
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in _IDX_DTYPES or len(raw) < 4 + 4 * raw[3]:
        raise DataError(
            where,
            f"{path} begins with {raw[:4].hex(' ') or 'nothing'}",
            "expected the magic number of an idx file, such as 00 00 08 03",
            "give an idx file, as MNIST and Fashion-MNIST have them",
        )
    shape = struct.unpack_from(f">{raw[3]}I", raw, 4)
    dtype = np.dtype(_IDX_DTYPES[raw[2]])
    start = 4 + 4 * raw[3]
    needed = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if len(raw) - start != needed:
        raise DataError(
            where,
            f"{path} holds {len(raw) - start:,} bytes of numbers",
            f"expected {needed:,} for shape {list(shape)}",
            "the file is cut off or damaged; fetch it again",
        )
    array = np.frombuffer(raw, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def read_arrays(path: Path, where: str = "arrays") -> dict[str, Array]:
    """The arrays of an .npz, or of one .npy (named by the file, memory-mapped); never unpickles anything."""
    if not path.is_file():
        raise DataError(where, f"no file {path}", "expected an .npz or .npy file", "check the path")
    try:
        with path.open("rb") as file:
            begins = file.read(6)
        if not begins.startswith(NUMPY_FILES):
            raise ValueError(f"it begins with {begins.hex(' ') or 'nothing'}")
        if path.suffix == ".npy":
            return {path.stem: np.load(path, mmap_mode="r", allow_pickle=False)}
        # Opened here, since np.load leaves the file open when it refuses it.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as loaded:
            if not isinstance(loaded, np.lib.npyio.NpzFile):
                return {path.stem: loaded}
            return {name: loaded[name] for name in loaded.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            where,
            f"{path}: {str(error).rstrip('.')}",
            "expected a whole .npz or .npy file of plain numbers",
            "save it again with numpy.savez(path, x=x, y=y)",
        ) from None
