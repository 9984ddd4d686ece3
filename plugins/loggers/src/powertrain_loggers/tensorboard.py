"""Logs for TensorBoard, as files in the folder of the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from powertrain.plugin import End, Start
from powertrain_loggers.logger import Logger

FOLDER = "tensorboard"


class TensorBoard(Logger):
    """Writes event files into the folder of the run: `tensorboard --logdir runs` shows all of them."""

    LIBRARY = "tensorboardX"
    INSTALLED_BY = "powertrain-loggers[tensorboard]"

    def begin(self, library: Any, start: Start) -> None:
        # Of a resumed run, the steps that were done again are shown once.
        again = start.progress["steps"] + 1 if start.progress["steps"] else None
        self._writer = library.SummaryWriter(str(start.folder / FOLDER), purge_step=again)

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name.replace(".", "/", 1), value, step)

    def text(self, text: str, step: int) -> None:
        self._writer.add_text("sample", f"```\n{text}\n```", step)

    def close(self, end: End) -> None:
        self._writer.close()
