"""Where Optuna keeps a study: a file of JSON lines in the form of its own journal files, which its tools can read.

Optuna's own class for such files takes a lock that a kill leaves behind, for half a minute, and does not read a journal
whose last line a kill cut off. Here one process has the folder to itself, and half a line is removed.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from typing import Any

from powertrain.io.files import Files, synced
from powertrain.io.records import MisfitError, from_json
from powertrain.tuning.space import TuneError

FILE = "journal.log"
MOST_LINE, MOST_LINES = 1 << 20, 1 << 22
SHAPE = {"op_code": int, "worker_id": str}


class Journal:
    """What `optuna.storages.JournalStorage` reads from and appends to."""

    def __init__(self, files: Files) -> None:
        self._path = files.path / FILE
        self._file = files.appending(FILE)
        self._logs = list(self._whole(files))
        self._waiting: list[dict[str, Any]] | None = None

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        return self._logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        self._logs += logs
        if self._waiting is None:
            self._write(logs)
        else:
            self._waiting += logs

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """What is appended in the block is written in one piece, so that a kill leaves no half of it."""
        self._waiting = []
        try:
            yield
            self._write(self._waiting)
        finally:
            self._waiting = None

    def _write(self, logs: list[dict[str, Any]]) -> None:
        texts = (json.dumps(log, separators=(",", ":"), allow_nan=False) for log in logs)
        raw = "".join(f"{text}\n" for text in texts).encode()
        try:
            written = os.write(self._file, raw)
            synced(self._file)
        except OSError as error:
            raise self._full(error.strerror or "it cannot be written") from error
        if written < len(raw):
            raise self._full("only a part of it could be written")

    def close(self) -> None:
        os.close(self._file)

    def _whole(self, files: Files) -> Iterable[dict[str, Any]]:
        """The lines up to the last whole one; what a kill left of another is cut off."""
        size = 0
        with files.reading(FILE) as file:
            for number in range(1, MOST_LINES):
                raw = file.readline(MOST_LINE)
                if not raw.endswith(b"\n"):
                    if len(raw) == MOST_LINE:
                        raise self._odd(number, "it is too long")
                    break
                try:
                    yield from_json(raw, SHAPE)
                except MisfitError as error:
                    raise self._odd(number, str(error)) from error
                size += len(raw)
        os.ftruncate(self._file, size)

    def _odd(self, number: int, problem: str) -> TuneError:
        return TuneError(
            f"[{self._path}:{number}] {problem}; expected what powertrain tune wrote; restore it, or begin a new "
            "study: --study DIR"
        )

    def _full(self, problem: str) -> TuneError:
        return TuneError(
            f"[{self._path}] {problem}; expected room for the study; free some space and give the same command again"
        )
