"""Lines of JSON between a process and those that work for it: nothing that is read can run code."""

from __future__ import annotations

import os
import select
from collections import deque
from typing import Any

from powertrain.io.records import ANYTHING, from_json, to_json

CHUNK = 1 << 16


class Channel:
    """One end of two pipes."""

    def __init__(self, reads: int, writes: int) -> None:
        self.reads, self._writes = reads, writes
        self._lines: deque[bytes] = deque()
        self._rest = b""

    def send(self, message: dict[str, Any]) -> None:
        """Write one line; a BrokenPipeError where nobody reads any more."""
        left = to_json(message) + b"\n"
        while left:
            left = left[os.write(self._writes, left) :]

    def receive(self) -> dict[str, Any] | None:
        """The next line, waited for; None where there will be none."""
        while not self._lines:
            if not self._read():
                return None
        found: dict[str, Any] = from_json(self._lines.popleft(), {...: ANYTHING})
        return found

    def arrived(self) -> list[dict[str, Any]] | None:
        """What can be read at once, where something can be; None where nothing ever will."""
        if not self._read():
            return None
        found = [from_json(line, {...: ANYTHING}) for line in self._lines]
        self._lines.clear()
        return found

    @property
    def closed(self) -> bool:
        """Whether the other end went away."""
        while not self._lines and select.select([self.reads], [], [], 0)[0]:
            if not self._read():
                return True
        return False

    def _read(self) -> bool:
        chunk = os.read(self.reads, CHUNK)
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        self._lines.extend(whole)
        return bool(chunk)
