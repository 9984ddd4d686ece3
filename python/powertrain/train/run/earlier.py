"""Memory of earlier runs of a process that nobody holds any more.

The parts of a run know each other, so Python frees it when it looks for cycles. When it does so depends on how many
objects there are, not on how large they are: a run of some thousand objects may hold gigabytes. A process that has
imported much, such as a notebook, hardly ever looks at all of them.
"""

from __future__ import annotations

import gc

from powertrain.train.report.process import resident_bytes

_GROWTH = 1 << 29  # bytes; for less nobody waits until Python has looked at all objects


class Earlier:
    """How much memory the process had when cycles were last looked for. Two threads that ask at once look twice."""

    def __init__(self) -> None:
        self._before = 0

    def free(self) -> None:
        """Free runs that nobody holds, if the process has grown by so much that it may be worth it."""
        now = resident_bytes()
        if now < self._before + _GROWTH:
            self._before = min(self._before, now)
            return
        gc.collect()
        self._before = resident_bytes()


EARLIER = Earlier()
