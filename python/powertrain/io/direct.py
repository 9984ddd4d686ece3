"""Large files written past the system's cache of files: the cache would cost a copy and fresh memory for bytes that
nobody reads soon, while other threads compute."""

from __future__ import annotations

import errno
import mmap
import os
from types import TracebackType

BLOCK = 4096  # what places and sizes in such a file are multiples of, on every usual disk
PIECE = 1 << 22  # bytes that are gathered before they are written
LEAST = 1 << 26  # bytes of a file from which on it is worth while
_REFUSED = (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP)


class DirectFile:
    """A new file that is written from its beginning to its end, through a piece of memory of its own.

    Where the file system does not do that, it is written as any other. The descriptor stays the caller's to close.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._piece = mmap.mmap(-1, PIECE)  # begins at a page, as such writes have to
        self._filled = self._size = 0
        self._direct = _set_direct(descriptor, True)

    def write(self, data: bytes | memoryview) -> int:
        rest = memoryview(data).cast("B")
        count = len(rest)
        while len(rest):
            taken = rest[: PIECE - self._filled]
            self._piece[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            rest = rest[len(taken) :]
            if self._filled == PIECE:
                self._flush(PIECE)
        return count

    def finish(self) -> None:
        """Write what has gathered; the file then ends with the last byte."""
        size = self._size + self._filled
        self._flush(-(-self._filled // BLOCK) * BLOCK if self._direct else self._filled)
        os.ftruncate(self._descriptor, size)

    def _flush(self, count: int) -> None:
        with memoryview(self._piece) as piece:
            done = 0
            while done < count:
                try:
                    done += os.write(self._descriptor, piece[done:count])
                except OSError as error:
                    if not self._direct or error.errno not in _REFUSED:
                        raise
                    self._direct = False  # it took the flag and refuses the bytes
                    _set_direct(self._descriptor, False)
        self._size += self._filled
        self._filled = 0

    def __enter__(self) -> DirectFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()


def _set_direct(descriptor: int, wanted: bool) -> bool:
    """Ask for writes past the cache, or no longer; whether they are."""
    flag = getattr(os, "O_DIRECT", 0)
    if not flag:
        return False
    import fcntl

    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | flag if wanted else flags & ~flag)
    except OSError:
        return False
    return wanted
