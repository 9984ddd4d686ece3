"""The arrays of a safetensors file, each read when it is asked for.

Together they are as large as all that a run holds, and whoever takes a run up again has no room for them twice.
"""

from __future__ import annotations

import json
import math
import os
import weakref
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from powertrain._core import Error
from powertrain.io.array_pieces import DTYPES
from powertrain.io.read_at import read_at

MOST_HEADER = 100_000_000  # bytes, as safetensors has it: as JSON it takes ten times as many
NAMES = {short: np.dtype(name).newbyteorder("<") for name, short in DTYPES.items()}


class FileDamagedError(Error):  # type: ignore[misc, unused-ignore]
    """A file that holds no arrays, or no longer those that its header names."""


class Entry(NamedTuple):
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int  # in the file


class SavedArrays(Mapping[str, NDArray[Any]]):
    """By name the arrays of a file, which stays open as long as this is there, and those that were added.

    Errors    FileDamagedError for a header that no safetensors file has, and for a file that ends too early
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._entries = _entries(file, size)
        self._handle = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._handle)
        self._others: dict[str, Mapping[str, NDArray[Any]]] = {}

    def add(self, others: Mapping[str, NDArray[Any]]) -> None:
        """Have the arrays of another mapping, in place of its own of these names."""
        self._others.update(dict.fromkeys(others, others))

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys([*self._entries, *self._others])

    def __len__(self) -> int:
        return len({*self._entries, *self._others})

    def __contains__(self, name: object) -> bool:
        return name in self._others or name in self._entries

    def __getitem__(self, name: str) -> NDArray[Any]:
        if (other := self._others.get(name)) is not None:
            return other[name]
        entry = self._entries[name]
        array = np.empty(entry.shape, entry.dtype)
        self._read(entry, array.reshape(-1).view(np.uint8))
        return array

    def form(self, name: str) -> NDArray[Any]:
        """An array of the dtype and shape of that name, without its numbers and without memory for them."""
        if (other := self._others.get(name)) is not None:
            return form(other, name)
        entry = self._entries[name]
        return np.broadcast_to(np.zeros((), entry.dtype), entry.shape)

    def each(self, names: Iterable[str]) -> Iterator[tuple[str, NDArray[Any]]]:
        """These arrays one after the other, in memory that the next one overwrites."""
        names = list(names)
        own = [self._entries[name] for name in names if name not in self._others]
        room = np.empty(max((_bytes(entry) for entry in own), default=0), np.uint8)
        for name in names:
            if name in self._others:
                yield name, self[name]
                continue
            entry = self._entries[name]
            part = room[: _bytes(entry)]
            self._read(entry, part)
            yield name, part.view(entry.dtype).reshape(entry.shape)

    def _read(self, entry: Entry, into: NDArray[np.uint8]) -> None:
        if read_at(self._handle, into.data, entry.begin) < len(into):
            raise FileDamagedError(
                "[checkpoint] its file became shorter while it was read; expected a run's folder that nothing else "
                "changes; go on from the checkpoint before"
            )


def form(arrays: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    """What has the dtype and shape of an array of a mapping: the array itself where it is in memory."""
    return arrays.form(name) if isinstance(arrays, SavedArrays) else arrays[name]


def each(arrays: Mapping[str, NDArray[Any]], names: Iterable[str]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Arrays of a mapping one after the other, each to be used before the next one."""
    return arrays.each(names) if isinstance(arrays, SavedArrays) else ((name, arrays[name]) for name in names)


def below(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin with a prefix, by the rest of these: of a file, no others are read."""
    return {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}


def _bytes(entry: Entry) -> int:
    return math.prod(entry.shape) * entry.dtype.itemsize


def _entries(file: BinaryIO, size: int) -> dict[str, Entry]:
    """What the header of a safetensors file names, if the rest of the file is just that.

    Source    https://github.com/huggingface/safetensors
    """
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(size - 8, MOST_HEADER):
        raise FileDamagedError(f"its header of {length:,} bytes is longer than the file, or than {MOST_HEADER:,}")
    try:
        header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        found = {name: _entry(one, 8 + length) for name, one in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileDamagedError("its header names no arrays") from error
    end = 8 + length
    for entry in sorted(found.values(), key=lambda entry: (entry.begin, _bytes(entry))):
        if entry.begin != end:
            raise FileDamagedError("its arrays overlap, or leave gaps")
        end += _bytes(entry)
    if end != size:
        raise FileDamagedError("its arrays are not the whole of it")
    return found


def _entry(given: Mapping[str, Any], start: int) -> Entry:
    shape, (begin, end) = given["shape"], given["data_offsets"]
    if any(type(number) is not int or number < 0 for number in (*shape, begin, end)):
        raise ValueError("sizes and places are whole numbers")
    entry = Entry(NAMES[given["dtype"]], tuple(shape), start + begin)
    if _bytes(entry) != end - begin or len(shape) > 32:
        raise ValueError("an array is as long as its shape says")
    return entry
