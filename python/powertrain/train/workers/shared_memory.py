"""Sums over the processes of one machine, by recursive halving and doubling in shared memory.

Each worker reads what its partner holds where that lies: nothing is sent. Arrays that are lent lie there already.

The memory is a file without a name: the kernel frees it with the last process, however that ends. What a worker has
written is announced by a byte through a socket to its partner. So a partner sleeps while it waits, and wakes at once
when the other process ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import mmap
import os
import socket
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin.transport import ALIGNED, Halving, Size, WorkerError, add_to, halvings, partners

# Where a file lies in memory, where the system has such a place.
IN_MEMORY = Path("/dev/shm")
BEAT_SECONDS = 0.5  # between two heartbeats, and between two looks at those of others
PAGE = mmap.ALLOCATIONGRANULARITY
MOST_WORKERS = PAGE // ALIGNED  # heartbeats have cache lines of their own


class Watch(Protocol):
    """What a worker does while it waits for another one."""

    def look(self, beats: NDArray[np.int64]) -> None:
        """Every BEAT_SECONDS: raises where it is no use to wait further."""

    def lost(self, partner: int) -> WorkerError:
        """The error to raise where a partner has ended."""


def new_memory() -> int:
    """A file without a name that processes may share: a descriptor."""
    place = IN_MEMORY if IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK) else None
    with tempfile.TemporaryFile(dir=place) as file:
        descriptor = os.dup(file.fileno())
    _extend(descriptor, PAGE)
    return descriptor


class SharedMemory:
    """The transport of a worker. `sockets` lead to its partners."""

    def __init__(self, rank: int, size: int, memory: int, sockets: Mapping[int, socket.socket], watch: Watch) -> None:
        self.rank, self.size = rank, size
        self.read_bytes = 0  # of arrays of partners, so far
        self._memory, self._watch = memory, watch
        self._sockets = {partner: sockets[partner] for partner in partners(rank, size)}
        for one in self._sockets.values():
            one.settimeout(BEAT_SECONDS)
        self._beats = np.frombuffer(mmap.mmap(memory, PAGE), np.int64)[:: ALIGNED // 8]
        self._room = 0  # bytes of the memory of each worker
        self._memories: list[NDArray[np.uint8]] = []
        self._read = False  # whether partners will still tell that they have read what the last sum left here
        self._closed = threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def lend(self, sizes: Sequence[Size]) -> list[NDArray[Any]]:
        """Arrays to sum in, where the other workers read them."""
        self._settle()
        return self._places(sizes, self._starts(sizes))[self.rank]

    def all_reduce(self, arrays: Sequence[NDArray[Any]]) -> None:
        """Replace each contiguous array by its sum over all workers."""
        held, rounds = self._begin(arrays)
        for partner, kept, _ in rounds:
            self._meet(partner)
            for own, other, part in zip(held[self.rank], held[partner], kept, strict=True):
                add_to(own[part], other[part])
                self.read_bytes += own[part].nbytes
        self._end(arrays, held, rounds)

    def all_gather(self, arrays: Sequence[NDArray[Any]]) -> None:
        """Fill each contiguous array with what the other workers hold of it."""
        self._end(arrays, *self._begin(arrays))

    def _begin(self, arrays: Sequence[NDArray[Any]]) -> tuple[list[list[NDArray[Any]]], list[Halving]]:
        """The places of the arrays in the memory of all workers, and the rounds. Arrays that are not lent are copied
        to where the others read them."""
        self._settle()
        sizes = [(array.size, array.dtype) for array in arrays]
        starts = self._lent(arrays)
        held = self._places(sizes, self._starts(sizes) if starts is None else starts)
        for place, array in zip(held[self.rank], arrays if starts is None else (), strict=starts is None):
            place[:] = array.reshape(-1)
        return held, halvings(self.rank, self.size, [array.size for array in arrays])

    def _end(self, arrays: Sequence[NDArray[Any]], held: list[list[NDArray[Any]]], rounds: Sequence[Halving]) -> None:
        """Take from the others what they have, and fill the arrays with it."""
        mine = held[self.rank]
        for partner, _, given in reversed(rounds):
            self._meet(partner)
            for own, other, part in zip(mine, held[partner], given, strict=True):
                own[part] = other[part]
                self.read_bytes += own[part].nbytes
        for partner in self._sockets:
            self._tell(partner)
        self._read = True
        for place, array in zip(mine, arrays, strict=True):
            if _address(place) != _address(array):
                array.reshape(-1)[:] = place

    def _settle(self) -> None:
        """Wait until all have read what they read in the sum before."""
        if self._read:
            for partner in self._sockets:
                self._hear(partner)
        self._read = False

    def _lent(self, arrays: Sequence[NDArray[Any]]) -> list[int] | None:
        """Where arrays lie in the memory of this worker; None of other arrays."""
        if not self._memories:
            return None
        first = _address(self._memories[self.rank])
        starts = [_address(array) - first for array in arrays]
        inside = [0 <= start <= self._room - array.nbytes for start, array in zip(starts, arrays, strict=True)]
        return starts if arrays and all(inside) else None

    def _starts(self, sizes: Sequence[Size]) -> list[int]:
        """Where arrays of such sizes lie one after the other. Where there is too little memory, all workers get more:
        each comes here at the same sum."""
        ends = itertools.accumulate((-(-_bytes(size) // ALIGNED) * ALIGNED for size in sizes), initial=0)
        *starts, needed = ends
        if needed > self._room or self._room == 0:
            self._room = (needed // PAGE + 1) * PAGE
            if self.rank == 0:
                _extend(self._memory, PAGE + self.size * self._room)
            for partner in self._sockets:  # after the last one each has heard of all
                self._meet(partner)
            self._memories = list(_mapped(self._memory, self.size * self._room).reshape(self.size, self._room))
        return starts

    def _places(self, sizes: Sequence[Size], starts: Sequence[int]) -> list[list[NDArray[Any]]]:
        """Arrays at these places in the memory of each worker."""
        return [
            [memory[start : start + _bytes(size)].view(size[1]) for start, size in zip(starts, sizes, strict=True)]
            for memory in self._memories
        ]

    def close(self) -> None:
        """Leave the others, who see it when they next wait for this worker."""
        self._closed.set()
        for one in self._sockets.values():
            one.close()

    def _meet(self, partner: int) -> None:
        """Wait until a partner has come to the same place."""
        self._tell(partner)
        self._hear(partner)

    def _tell(self, partner: int) -> None:
        with contextlib.suppress(ConnectionError):  # one that has ended is missed where it is waited for
            self._sockets[partner].send(b"\0")

    def _hear(self, partner: int) -> None:
        while True:
            try:
                if self._sockets[partner].recv(1):
                    return
            except TimeoutError:
                self._watch.look(self._beats)
                continue
            except ConnectionError:
                pass
            raise self._watch.lost(partner)

    def _beat(self) -> None:
        """Count up, as long as this process runs."""
        while not self._closed.wait(BEAT_SECONDS):
            self._beats[self.rank] += 1


def _mapped(memory: int, size: int) -> NDArray[np.uint8]:
    """The memory behind the heartbeats. Arrays in the mapping of a file are copied wherever a step reads them, since
    somebody may cut the file off. Nobody can open this one, so its arrays are shown as other memory."""
    mapping = mmap.mmap(memory, size, offset=PAGE)
    return np.frombuffer(memoryview((ctypes.c_uint8 * size).from_buffer(mapping)), np.uint8)


def _bytes(size: Size) -> int:
    count, dtype = size
    return count * dtype.itemsize


def _address(array: NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


def _extend(memory: int, size: int) -> None:
    """Make a file so large. Memory that is not there is an error here, and not a SIGBUS where it is first written."""
    try:
        os.ftruncate(memory, size)
        if hasattr(os, "posix_fallocate"):  # macOS has none
            os.posix_fallocate(memory, 0, size)
    except OSError as error:
        raise WorkerError(
            f"[workers] they share {size:,} bytes of memory, which the system does not give: {error.strerror}; "
            f"expected room in {IN_MEMORY}; give it more (docker run --shm-size=2g), or use fewer workers"
        ) from error
