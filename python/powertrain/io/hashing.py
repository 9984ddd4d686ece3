"""SHA-256 over named arrays, and over large files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Mapping
from typing import Any, BinaryIO

from numpy.typing import NDArray

from powertrain.io.array_pieces import Piece, raw
from powertrain.io.read_at import read_at

CHUNK_BYTES = 1 << 23  # a thread hashes so many without asking for Python's lock, and holds them
THREADS = 2  # of a file, at most


def hash_arrays(arrays: Mapping[str, NDArray[Any]]) -> str:
    """The names, dtypes, shapes and bytes of all, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        shape = ",".join(str(size) for size in array.shape)
        digest.update(f"{name}\0{array.dtype.str}\0{shape}\0".encode())
        digest.update(raw(array))
    return digest.hexdigest()


class ChunkedHash:
    """SHA-256 of what the chunks of a file hash to, each 8 MiB but for the last one: threads may share a file."""

    def __init__(self) -> None:
        self._digests, self._chunk, self._room = hashlib.sha256(), hashlib.sha256(), CHUNK_BYTES

    def update(self, piece: Piece) -> None:
        """The next bytes of the file, however many."""
        rest = memoryview(piece)
        while len(rest):
            part, rest = rest[: self._room], rest[self._room :]
            self._chunk.update(part)
            self._room -= len(part)
            if not self._room:
                self._end_chunk()

    def _end_chunk(self) -> None:
        self._digests.update(self._chunk.digest())
        self._chunk, self._room = hashlib.sha256(), CHUNK_BYTES

    def hexdigest(self) -> str:
        """The hash, where the file ends here."""
        if self._room < CHUNK_BYTES:
            self._end_chunk()
        return self._digests.hexdigest()


def hash_file(file: BinaryIO) -> str:
    """What a ChunkedHash makes of a file, by several threads where there may be some."""
    handle = file.fileno()
    size = os.fstat(handle).st_size
    chunks = -(-size // CHUNK_BYTES)
    found, errors = [b""] * chunks, list[BaseException]()
    lock, numbers = threading.Lock(), iter(range(chunks))

    def work() -> None:
        room = memoryview(bytearray(min(size, CHUNK_BYTES)))
        try:
            while not errors:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    break
                found[number] = hashlib.sha256(room[: read_at(handle, room, number * CHUNK_BYTES)]).digest()
        except BaseException as error:  # whoever asked is told
            errors.append(error)

    threads: list[threading.Thread] = []
    with contextlib.suppress(RuntimeError):  # the system gives no more threads, or the interpreter ends
        for _ in range(min(chunks, THREADS, os.cpu_count() or 1) - 1):
            thread = threading.Thread(target=work, name="hash", daemon=True)
            thread.start()
            threads.append(thread)
    work()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return hashlib.sha256(b"".join(found)).hexdigest()
