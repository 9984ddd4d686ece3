"""What all loggers have in common: when they are called, and what happens where their library fails."""

from __future__ import annotations

import contextlib
import importlib
import sys
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, TextIO

import powertrain as pt
from powertrain.plugin import Callback, End, Event, Histogram, Section, Start


class LoggerError(pt.Error):
    """A logger that cannot begin."""


class Logger(Callback):
    """Logs what is measured, the rates, histograms, and samples; at the end the scores, and the tables and pictures of
    the report. A subclass says how.

    A logger that cannot begin stops the run before it has cost anything. One that fails later is left out from then on:
    no run is lost because a server does not answer.
    """

    LIBRARY: ClassVar[str]  # the module that it logs by
    INSTALLED_BY: ClassVar[str]  # what pip installs it by
    IF_REFUSED: ClassVar[str] = "see to what it names, or take the callback out of the recipe"
    _open = False

    @abstractmethod
    def begin(self, library: Any, start: Start) -> None:
        """Open what is written to, by the library's module."""

    @abstractmethod
    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """Write values by their names."""

    @abstractmethod
    def text(self, text: str, step: int) -> None:
        """Write a sample."""

    def histograms(self, found: Mapping[str, Histogram], step: int) -> None:
        """Write histograms by their names. A library that has none of its own writes none."""

    def table(self, title: str, rows: Sequence[Sequence[str]], step: int) -> None:
        """Write a table, whose first row is its head. A library that has no tables writes none."""

    def picture(self, title: str, png: bytes, step: int) -> None:
        """Write a picture, a PNG file. A library that has no pictures writes none."""

    @abstractmethod
    def close(self, end: End) -> None:
        """Write what a run ends with, and close what `begin` opened."""

    def on_start(self, start: Start) -> None:
        library = self._imported()
        try:
            with _quiet():
                self.begin(library, start)
        except Exception as error:
            raise LoggerError(
                f"[callback {type(self).__name__}] {self.LIBRARY} cannot begin: {type(error).__name__}: {error}; "
                f"expected it to, since it writes what is logged; {self.IF_REFUSED}"
            ) from error
        self._open = True

    def after_commit(self, event: Event) -> None:
        for at, found in event.histograms.items():
            self._unless_it_fails(self.histograms, found, at)
        step = event.progress["steps"]
        if event.values:
            self._unless_it_fails(self.numbers, {**event.values, **event.scalars}, step)
        for text in event.texts:
            self._unless_it_fails(self.text, text, step)

    def on_end(self, end: End) -> None:
        if scores := dict(_scores(end.results)):
            self._unless_it_fails(self.numbers, scores, end.progress["steps"])
        for section in end.sections:
            if section.rows:
                self._unless_it_fails(self.table, section.title, section.rows, end.progress["steps"])
            if (png := _drawn(section)) is not None:
                self._unless_it_fails(self.picture, section.title, png, end.progress["steps"])
        self._unless_it_fails(self.close, end)
        self._open = False

    def _imported(self) -> Any:
        try:
            return importlib.import_module(self.LIBRARY)
        except ImportError as error:
            raise LoggerError(
                f"[callback {type(self).__name__}] {self.LIBRARY} cannot be imported ({error}); expected it, since it "
                f"writes what is logged; pip install '{self.INSTALLED_BY}'"
            ) from error

    def _unless_it_fails(self, method: Callable[..., None], *values: Any) -> None:
        if not self._open:
            return
        try:
            with _quiet():
                method(*values)
        except Exception as error:  # of whatever kind: it is another library's
            self._open = False
            warnings.warn(
                f"[callback {type(self).__name__}] {type(error).__name__}: {error}; expected the library to accept "
                "what is logged; the run continues without this logger",
                stacklevel=2,
            )


def _drawn(section: Section) -> bytes | None:
    """The picture of a section; None where there is none, or where drawing it fails, of which the report tells."""
    try:
        return section.png()
    except Exception:
        return None


def _scores(results: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    """Scores of the judged part, by names such as test.accuracy."""
    part = results.get("part")
    scores = results.get(str(part))
    if isinstance(scores, Mapping):
        yield from ((f"{part}.{name}", float(value)) for name, value in scores.items())


def _quiet() -> contextlib.redirect_stdout[TextIO]:
    """What a library prints goes to standard error: the other stream has the run's own lines, or its JSON."""
    return contextlib.redirect_stdout(sys.stderr)
