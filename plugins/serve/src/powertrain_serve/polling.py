"""An event loop that looks again for a moment before it sleeps."""

from __future__ import annotations

import asyncio
import selectors
import time

# Seconds. A core that nobody uses halts, and wakes with cold caches: where the next request comes sooner than this, the
# loop had better stay awake for it.
SOON = 0.0001


class Polling(selectors.DefaultSelector):
    """A selector that stays awake for a moment after each wait that was short.

    A server whose clients come seldom sleeps between them. One whose clients come within a moment of each other was at
    work most of that time already.
    """

    def __init__(self) -> None:
        super().__init__()
        self._soon = False  # whether the last wait was short

    def clock(self) -> float:
        """Seconds."""
        return time.perf_counter()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        began = self.clock()
        if self._soon:
            awake = SOON if timeout is None else min(SOON, timeout)
            while True:
                if ready := super().select(0):
                    return ready
                if (passed := self.clock() - began) >= awake:
                    break
            if timeout is not None and (timeout := timeout - passed) <= 0:
                return ready
        ready = super().select(timeout)
        self._soon = self.clock() - began < SOON
        return ready


def new_loop() -> asyncio.AbstractEventLoop:
    """What uvicorn makes the loop of a server with."""
    return asyncio.SelectorEventLoop(Polling())
