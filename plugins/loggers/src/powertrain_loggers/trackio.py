"""Logs to Trackio, on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from powertrain.plugin import End, Start, param
from powertrain_loggers.logger import Logger


class Trackio(Logger):
    """Logs settings, values and samples; `trackio show` shows them."""

    @dataclass(frozen=True)
    class Params:
        project: str = param("powertrain", doc="the project that the run is one of", results=False)

    LIBRARY = "trackio"
    INSTALLED_BY = "trackio"

    def begin(self, library: Any, start: Start) -> None:
        self._library = library
        self._run = library.init(
            project=self.params.project, name=start.folder.name, config=start.settings,
            resume="allow" if start.progress["steps"] else "never",
        )  # fmt: skip

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def text(self, text: str, step: int) -> None:
        self._run.log({"sample": text}, step=step)

    def close(self, end: End) -> None:
        self._library.finish()  # the run's own finish would be done once more when Python ends
