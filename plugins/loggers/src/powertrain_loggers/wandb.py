"""Logs to Weights & Biases."""

from __future__ import annotations

import html
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from powertrain.plugin import End, Histogram, Start, param
from powertrain_loggers.logger import Logger


class WandB(Logger):
    """Logs settings, values and samples. WANDB_MODE=offline keeps them on this machine, for `wandb sync`."""

    @dataclass(frozen=True)
    class Params:
        project: str = param("powertrain", doc="the project that the run is one of", results=False)

    LIBRARY = "wandb"
    INSTALLED_BY = "powertrain-loggers[wandb]"
    IF_REFUSED = "run `wandb login`, or set WANDB_MODE=offline"

    def begin(self, library: Any, start: Start) -> None:
        self._library = library
        # A resumed run goes on under the same identity; what it does again has the same numbers.
        self._run = library.init(
            project=self.params.project, name=start.folder.name, resume="allow",
            id=_logged_as(start.folder) if start.progress["steps"] else None, dir=str(start.folder),
            config=start.settings,
        )  # fmt: skip

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def text(self, text: str, step: int) -> None:
        self._run.log({"sample": self._library.Html(f"<pre>{html.escape(text)}</pre>")}, step=step)

    def histograms(self, found: Mapping[str, Histogram], step: int) -> None:
        drawn = {name: self._library.Histogram(np_histogram=(one.counts, one.edges)) for name, one in found.items()}
        self._run.log(drawn, step=step)

    def table(self, title: str, rows: Sequence[Sequence[str]], step: int) -> None:
        made = self._library.Table(columns=list(rows[0]), data=[list(row) for row in rows[1:]])
        self._run.log({title: made}, step=step)

    def picture(self, title: str, png: bytes, step: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "picture.png")
            path.write_bytes(png)
            self._run.log({f"{title}, drawn": self._library.Image(str(path))}, step=step)

    def close(self, end: End) -> None:
        self._run.finish(exit_code=0 if end.finished else 1)


def _logged_as(folder: Path) -> str | None:
    """The identity of a run, which is in the names of its logs: run-TIME-IDENTITY, or offline-run-TIME-IDENTITY."""
    names = sorted(path.name.removeprefix("offline-") for path in (folder / "wandb").glob("*run-*-*"))
    return names[-1].split("-", 2)[2] if names else None
