"""What moves while a run trains: a line by rich in a terminal, a bar in the output of a notebook's cell."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any, Protocol, TextIO

from powertrain.io.console import fitting, visible
from powertrain.train.report.markup import Html, html


class Live(Protocol):
    def show(self, text: str, share: float | None = None) -> None:
        """Put a text in the place of the one before. `share` is how much is done, from 0 to 1, if known."""

    def print(self, text: str, style: str = "") -> None:
        """A line that stays, above the live one."""

    def stop(self) -> None: ...


def live_line(stream: TextIO) -> Live | None:
    """What moves beside the lines of a stream; None where only plain lines can be written."""
    if in_notebook() and stream is sys.stdout:
        return _Cell(stream)
    if not stream.isatty() or os.environ.get("TERM") == "dumb" or os.environ.get("NO_COLOR"):
        return None
    return _Status(stream) if importlib.util.find_spec("rich") is not None else None


def in_notebook() -> bool:
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

    def show(self, text: str, share: float | None = None) -> None:
        self._status.update(text)
        self._status.start()

    def print(self, text: str, style: str = "") -> None:
        text = fitting(visible(text), self._console.encoding)
        self._console.print(text, markup=False, soft_wrap=True, style=style or None)

    def stop(self) -> None:
        self._status.stop()


class _Cell:
    """A bar in the output of a cell, which is updated in its place; lines stand beneath it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._handle: Any = None  # by which IPython knows the bar, while there is one

    def show(self, text: str, share: float | None = None) -> None:
        self._update({"text/plain": visible(text), "text/html": bar(text, share)})

    def print(self, text: str, style: str = "") -> None:
        self._stream.write(visible(text) + "\n")
        self._stream.flush()

    def stop(self) -> None:
        if self._handle is not None:
            self._update({"text/plain": "", "text/html": ""})
            self._handle = None

    def _update(self, bundle: dict[str, str]) -> None:
        if self._handle is None:
            from IPython.display import display

            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


def bar(text: str, share: float | None) -> Html:
    """A text beside a bar that is filled to a share; without one, the text alone.

    >>> bar("epoch 1/4", 0.25)
    '<progress value="0.250" aria-label="progress"></progress> <code>epoch 1/4</code>'
    """
    filled = "" if share is None else html('<progress value="{}" aria-label="progress"></progress> ', f"{share:.3f}")
    return html("{}<code>{}</code>", filled, text)
