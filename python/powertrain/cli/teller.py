"""How far a command is: a line that moves, or where none can, a line now and then."""

from __future__ import annotations

import sys
import time

from powertrain.io.console import say
from powertrain.train.display.live import live_line

SILENT_SECONDS = 10.0  # where no line can move


class Teller:
    """Says how far it is."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._live = None if quiet else live_line(sys.stdout)
        self._said = time.monotonic()

    def line(self, text: str) -> None:
        if self._live is not None:
            self._live.print(text)
        elif not self._quiet:
            say(text, flush=True)

    def moving(self, text: str) -> None:
        if self._live is not None:
            self._live.show(text)
        elif time.monotonic() - self._said > SILENT_SECONDS:
            self._said = time.monotonic()
            self.line(text)

    def end(self) -> None:
        if self._live is not None:
            self._live.stop()
