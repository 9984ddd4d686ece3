"""Reading at a place of a file, which threads do beside each other, and a child after a fork beside its parent."""

from __future__ import annotations

import os

PART_BYTES = 1 << 23  # that are read at once: a signal is heard after each


def read_at(handle: int, into: memoryview, start: int) -> int:
    """Fill memory from a place on; how many bytes there were, fewer where the file ends."""
    got = 0
    while got < len(into) and (count := os.preadv(handle, [into[got : got + PART_BYTES]], start + got)):
        got += count
    return got
