"""The ledger: what happened in a run, one JSON line an event, only ever appended to and synced at commits.

A run that was killed and resumed has lines of steps that were then done again. They stay; a reader drops them, because
the `resume` line says at which step the run took up.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from powertrain.plain_json import dumps

FILE = "ledger.jsonl"


class Ledger:
    """Appends events to the ledger of a run."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.full = False
        end_torn_line(self.path)
        # Unbuffered: a kill loses at most the line that is being written.
        self._file = self.path.open("ab", buffering=0)

    def write(self, event: str, step: int, **values: Any) -> None:
        """Add one event. A full disk silences the ledger, not the training; `full` says so."""
        line = {"event": event, "step": step, "time": round(time.time(), 3), **values}
        try:
            self._file.write((dumps(line, ensure_ascii=False) + "\n").encode())
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self.full = True

    def sync(self) -> None:
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self.full = True

    def close(self) -> None:
        self._file.close()


def end_torn_line(path: Path) -> None:
    """A kill in the middle of a line leaves half of one: end it, so that the next event starts on its own."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")


def read_lines(folder: Path) -> Iterator[dict[str, Any]]:
    """Every whole line, as written."""
    path = folder / FILE
    if not path.exists():
        return
    with path.open("rb") as file:
        for raw in file:
            try:
                line = json.loads(raw)
            except ValueError:  # torn by a kill
                continue
            if isinstance(line, dict):
                yield line


def read_history(folder: Path) -> list[dict[str, Any]]:
    """The events of a run as if it had never been interrupted: what was replayed counts once."""
    history: list[dict[str, Any]] = []
    for line in read_lines(folder):
        if line["event"] == "resume":
            history = [earlier for earlier in history if earlier["step"] <= line["step"]]
        else:
            history.append(line)
    return history
