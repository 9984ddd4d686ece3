"""A lock on a folder, which one process at a time holds."""

from __future__ import annotations

import fcntl
import os
import threading

from powertrain.io.files import Files

LOCK_FILE = ".lock"


class FileLock:
    """A lock on an empty file of a folder. It is held until it was let go as often as it was taken and shared: so a
    thread that still writes what it protects can hold it for longer than whoever took it."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._counting = threading.Lock()
        self._holders, self._opened, self._process = 0, -1, 0

    @property
    def held(self) -> bool:
        return self._holders > 0

    def take(self) -> None:
        """Take the lock; BlockingIOError where another holds it, and OSError where the file system knows no locks."""
        while True:
            opened = self._files.locking(LOCK_FILE)
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BaseException:
                os.close(opened)
                raise
            if os.fstat(opened).st_nlink:
                break
            os.close(opened)  # whoever had it removed the file: the next one makes another
        self._opened, self._holders, self._process = opened, 1, os.getpid()

    def share(self) -> None:
        """Hold it once more; it must be held already."""
        with self._counting:
            self._holders += 1

    def let_go(self) -> None:
        """Hold it once less; the last one to let go frees it."""
        with self._counting:
            self._holders -= 1
            if self._holders == 0:
                # A process that was forked meanwhile has the file open too: its closing would not do, and it may not
                # free what its parent holds.
                if self._process == os.getpid():
                    fcntl.flock(self._opened, fcntl.LOCK_UN)
                os.close(self._opened)
