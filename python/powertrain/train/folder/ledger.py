"""The ledger: what happened in a run, one JSON line an event, only ever appended to and synced at commits.

A run that was killed and resumed has lines of rounds that were then done again. They stay; a reader drops them, because
the `resume` line says after which round the run took up: 0 where there was no checkpoint yet.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from powertrain.io.files import FULL, Files, synced
from powertrain.io.records import MisfitError, fitted, from_json, to_json
from powertrain.train.histograms import bins
from powertrain.train.samples import sheets

FILE = "ledger.jsonl"
MOST_LINE = 1 << 22
# What a line of each kind has besides what all have.
SHAPES: dict[str, dict[Any, Any]] = {"metrics": {"values": {...: float}}, "sample": {"text": str},
                                    "changed_data": {"changes": [str]},
                                    "anomaly": {"kind": str, "at": int, "what": str, "done": str},
                                    sheets.EVENT: sheets.SHAPE,
                                    bins.EVENT: {"at": int, "found": {...: bins.SHAPE}},
                                    "episodes": {"env_steps": int, "returns": [float]}}  # fmt: skip
SHAPE = {"event": str, "step": int, "round": int}


class Ledger:
    """Appends events to the ledger of a run."""

    def __init__(self, folder: Path) -> None:
        self._full = False
        # Unbuffered: a kill loses at most the line that is being written.
        self._file = Files(folder).appending(FILE)
        size = os.fstat(self._file).st_size
        # A kill in the middle of a line left half of one, which ends before the next event begins.
        self._torn = size > 0 and os.pread(self._file, 1, size - 1) != b"\n"

    def write(self, event: str, step: int, round: int, **values: Any) -> None:
        """Add one event. A full disk silences the ledger, not the training; `lost_events` tells."""
        line = {"event": event, "step": step, "round": round, "time": _now(), **values}
        raw = (b"\n" if self._torn else b"") + to_json(line) + b"\n"
        try:
            written = os.write(self._file, raw)  # one call: lines of two writers never mix
        except OSError as error:
            if error.errno not in FULL:
                raise
            written = 0
        short = written < len(raw)
        self._full = self._full or short
        self._torn = short and (written > 0 or self._torn)

    def lost_events(self) -> bool:
        """Whether a full disk has cost events since this was asked before."""
        lost, self._full = self._full, False
        return lost

    def sync(self) -> None:
        try:
            synced(self._file)
        except OSError as error:
            if error.errno not in FULL:
                raise
            self._full = True

    def close(self) -> None:
        os.close(self._file)


def _now() -> float:
    """Seconds since 1970, for people: clocks are set back, so nothing is ordered by it."""
    return round(time.time(), 3)


def read_lines(folder: Path) -> Iterator[dict[str, Any]]:
    """Every whole line, as written."""
    try:
        with Files(folder).reading(FILE) as file:
            while raw := file.readline(MOST_LINE):
                if (line := parsed_line(raw)) is not None:
                    yield line
    except FileNotFoundError:
        return


def parsed_line(raw: bytes) -> dict[str, Any] | None:
    """The event of one line; None where the line was torn by a kill, or is damaged."""
    try:
        line = from_json(raw, SHAPE)
        found: dict[str, Any] = fitted(line, SHAPES.get(line["event"], {}))
    except MisfitError:
        return None
    return found


def read_history(folder: Path) -> list[dict[str, Any]]:
    """The events of a run as if it had never been interrupted: what was replayed counts once."""
    history: list[dict[str, Any]] = []
    for line in read_lines(folder):
        if line["event"] == "resume":
            history = [earlier for earlier in history if earlier["round"] <= line["round"]]
        else:
            history.append(line)
    return history


def first_line(folder: Path) -> bytes:
    """The first event as written, with the time to the millisecond: it tells a run from every other."""
    try:
        with Files(folder).reading(FILE) as file:
            return file.readline(MOST_LINE)
    except FileNotFoundError:
        return b""
