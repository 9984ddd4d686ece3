"""What is done some time after each reload."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable


def give_back_memory() -> None:
    """Let the system have the memory that was freed. The C library of Linux does so by itself at the end of its heaps
    alone. What was freed below that, it keeps: a server that loads models again and again would hold twice as much.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl has not
        if trim is not None:
            trim(0)


class Settling:
    """Calls `settle` so many seconds after a reload. Reloads that follow do not put it off, since models that are
    replaced all the time would then never go; it is called once more after the last of them.

    `later` may be called by any thread; `settle` runs on threads of its own, one at a time.
    """

    def __init__(self, seconds: float, settle: Callable[[], None]) -> None:
        self._seconds, self._settle = seconds, settle
        self._lock = threading.Lock()  # of the two below
        self._waiting = False
        self._again = False

    def later(self) -> None:
        with self._lock:
            self._again = self._waiting
            if not self._waiting:
                self._begin()

    def _begin(self) -> None:
        self._waiting, self._again = True, False
        timer = threading.Timer(self._seconds, self._due)
        timer.daemon = True
        timer.start()

    def _due(self) -> None:
        self._settle()
        with self._lock:
            self._waiting = False
            if self._again:
                self._begin()
