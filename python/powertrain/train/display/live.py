"""A line that moves while a run trains: by rich in a terminal, by carriage returns in a notebook."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any, Protocol, TextIO

from powertrain.io.console import fitting, visible


class Live(Protocol):
    def show(self, text: str) -> None:
        """Put a text in the place of the one before."""

    def print(self, text: str, style: str = "") -> None:
        """A line that stays, above the live one."""

    def stop(self) -> None: ...


def live_line(stream: TextIO) -> Live | None:
    """What moves a line on a stream; None where only plain lines can be written."""
    if _in_notebook() and stream is sys.stdout:
        return _Rewritten(stream)
    if not stream.isatty() or os.environ.get("TERM") == "dumb" or os.environ.get("NO_COLOR"):
        return None
    return _Status(stream) if importlib.util.find_spec("rich") is not None else None


def _in_notebook() -> bool:
    """Whether a kernel of Jupyter runs this, whose output goes to a page. Nobody imports IPython to find out."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return hasattr(shell, "kernel")


class _Status:
    """A spinner of rich's, with lines printed above it."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.status import Status

        self._console = Console(file=stream, highlight=False)
        self._status = Status("", console=self._console)

    def show(self, text: str) -> None:
        self._status.update(text)
        self._status.start()

    def print(self, text: str, style: str = "") -> None:
        text = fitting(visible(text), self._console.encoding)
        self._console.print(text, markup=False, soft_wrap=True, style=style or None)

    def stop(self) -> None:
        self._status.stop()


class _Rewritten:
    """A line that is written over, which pages of notebooks do at a carriage return."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._width = 0

    def show(self, text: str) -> None:
        text = visible(text)
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()
        self._width = len(text)

    def print(self, text: str, style: str = "") -> None:
        self.stop()
        self._stream.write(visible(text) + "\n")
        self._stream.flush()

    def stop(self) -> None:
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
        self._width = 0
