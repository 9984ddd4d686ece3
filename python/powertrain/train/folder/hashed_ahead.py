"""The hash of a file that is computed before it is asked for, beside other work: of what a resume does, reading a large
checkpoint takes longest."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import BinaryIO

from powertrain.io.hashing import hash_file

Identity = tuple[int, ...]


class HashedAhead:
    """Hashes files, one of them ahead in a thread. What that found counts once, and only for the same file as it was.

    Everything here belongs to the thread that asks; the one that hashes owns its `_Hashing` until it has ended.
    """

    def __init__(self) -> None:
        self._begun: _Hashing | None = None

    def begin(self, opened: Callable[[], AbstractContextManager[BinaryIO]]) -> None:
        """Begin to hash a file."""
        self._begun = _Hashing(opened)
        self._begun.start()

    def hash(self, file: BinaryIO) -> str:
        """The hash of a file, which is waited for if it has begun."""
        begun, self._begun = self._begun, None
        if begun is not None and begun.process == os.getpid():  # the thread is not in a child
            begun.join()
            if begun.digest and begun.identity == _identity(file):
                return begun.digest
        return hash_file(file)


class _Hashing(threading.Thread):
    def __init__(self, opened: Callable[[], AbstractContextManager[BinaryIO]]) -> None:
        super().__init__(name="checkpoint-ahead", daemon=True)
        self._opened = opened
        self.process = os.getpid()
        self.digest = ""
        self.identity: Identity = ()

    def run(self) -> None:
        try:
            with self._opened() as file:
                before = _identity(file)
                digest = hash_file(file)
                if _identity(file) == before:
                    self.digest, self.identity = digest, before
        except Exception:  # whoever reads it then is told
            self.digest = ""


def _identity(file: BinaryIO) -> Identity:
    """Which file it is, and which state of it."""
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
