"""What happened in a run, read from its ledger while the run adds to it, in bounded memory."""

from __future__ import annotations

import itertools
import math
import os
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from powertrain.charts import curve_chart
from powertrain.io.console import one_line, visible
from powertrain.io.files import Files
from powertrain.io.plain_json import dumps
from powertrain.train.folder.ledger import FILE, MOST_LINE, parsed_line
from powertrain.train.histograms import bins
from powertrain.train.histograms.charts import charts_of
from powertrain.train.samples import sheets
from powertrain.train.samples.sheets import Sheet

MOST_POINTS = 2000  # of a curve: more than a screen has columns
MOST_CURVES = 100
MOST_SAMPLES, MOST_LETTERS = 20, 4000
MOST_ENTRIES = 200  # of the log
MOST_LOOKS = 128  # at the layers
MOST_LAYERS = 256  # of a look, gradients, weights and activations together
COMMON = ("event", "step", "round", "time")  # what each line of a ledger has


class Point(NamedTuple):
    step: int
    round: int
    value: float


class Curve:
    """The values of one name. A long curve keeps the lowest and the highest value of each stretch, so a spike stays."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self._stretch: list[Point] = []
        self._length = 1  # points of a stretch

    def add(self, point: Point) -> None:
        self._stretch.append(point)
        if len(self._stretch) < self._length:
            return
        self.points += extremes(self._stretch)
        self._stretch = []
        if len(self.points) > MOST_POINTS:
            self.points = [kept for at in range(0, len(self.points), 4) for kept in extremes(self.points[at : at + 4])]
            self._length = max(4, 2 * self._length)  # of four points in a row two are left, from now on at once

    def forget(self, round: int) -> None:
        """Drop what came after a round, since it was done again."""
        self.points = [point for point in self.points if point.round <= round]
        self._stretch = [point for point in self._stretch if point.round <= round]

    def finite(self) -> list[tuple[int, float]]:
        points = [*self.points, *extremes(self._stretch)]
        return [(point.step, point.value) for point in points if math.isfinite(point.value)]


def extremes(points: list[Point]) -> list[Point]:
    """The lowest and the highest of some points, and the first that is not finite, in their order.

    >>> [point.value for point in extremes([Point(1, 1, 3.0), Point(2, 2, 9.0), Point(3, 3, 2.0), Point(4, 4, 5.0)])]
    [9.0, 2.0]
    """
    places = [at for at, point in enumerate(points) if math.isfinite(point.value)]
    kept = {pick(places, key=lambda at: points[at].value) for pick in (min, max) if places}
    kept.update([at for at, point in enumerate(points) if not math.isfinite(point.value)][:1])
    return [points[at] for at in sorted(kept)]


class Look(NamedTuple):
    round: int
    shares: dict[str, NDArray[np.float32]]  # by kind and layer


class History:
    """The events of a run so far: curves, histograms, samples in files and as texts, and a log."""

    def __init__(self) -> None:
        self.curves: dict[str, Curve] = {}
        self.looks: dict[int, Look] = {}  # by step
        self.sheets: dict[int, tuple[int, list[Sheet]]] = {}  # by round, with its step
        self.samples: deque[tuple[int, int, str]] = deque(maxlen=MOST_SAMPLES)
        self.log: deque[dict[str, Any]] = deque(maxlen=MOST_ENTRIES)
        self.left_out: set[str] = set()  # names of which no curve is kept

    def take(self, line: Mapping[str, Any]) -> None:
        """Add one event of the ledger."""
        event, step, round = line["event"], line["step"], line["round"]
        if event == "resume":
            self._forget(round)
        if event == "metrics":
            for name, value in line["values"].items():
                self._add(name, Point(step, round, value))
            return
        if event == "episodes":
            if line["returns"]:
                self._add("env.episodes", Point(step, round, sum(line["returns"]) / len(line["returns"])))
            return
        if event == bins.EVENT:
            self._look(line)
            return
        if event == sheets.EVENT:
            self._show(line)
            return
        if event == "sample":
            self.samples.append((step, round, visible(line["text"][:MOST_LETTERS])))
            return
        if event == "scalar" and isinstance(line.get("value"), float):
            self._add(str(line.get("name")), Point(step, round, line["value"]))
        said = {name: value for name, value in line.items() if name not in COMMON and value not in ([], {}, None)}
        self.log.append({"event": one_line(event[:40]), "step": step, "time": line.get("time"), "text": in_words(said)})

    def _add(self, name: str, point: Point) -> None:
        if name not in self.curves and len(self.curves) >= MOST_CURVES:
            if len(self.left_out) < MOST_CURVES:
                self.left_out.add(name)
            return
        self.curves.setdefault(name, Curve()).add(point)

    def _look(self, line: Mapping[str, Any]) -> None:
        """Keep histograms; of too many every second one."""
        kept = itertools.islice(bins.of_event(line).items(), MOST_LAYERS)
        self.looks[line["at"]] = Look(line["round"], {name: bins.magnitudes(one) for name, one in kept})
        if len(self.looks) > MOST_LOOKS:
            self.looks = dict(list(self.looks.items())[::2])

    def _show(self, line: Mapping[str, Any]) -> None:
        """Keep what was written of a round, and of as many rounds as the run keeps files of."""
        sheet, round = Sheet.of_event(line), line["round"]
        if sheet is None:
            return
        earlier = {at: found for at, found in self.sheets.items() if at < round}
        step, found = self.sheets.get(round, (line["step"], []))
        found = [*(one for one in found if one.kind != sheet.kind), sheet]
        kept = sheets.thinned(sorted({*earlier, round}))
        self.sheets = {at: one for at, one in {**earlier, round: (step, found)}.items() if at in kept}

    def files(self) -> dict[str, tuple[int, Sheet]]:
        """The files of samples by name, oldest first, with their rounds."""
        all = ((round, sheet) for round, (_, found) in self.sheets.items() for sheet in found)
        return {sheets.file_name(round, sheet.kind): (round, sheet) for round, sheet in all}

    def _forget(self, round: int) -> None:
        self.sheets = {at: found for at, found in self.sheets.items() if at <= round}
        self.looks = {step: look for step, look in self.looks.items() if look.round <= round}
        for curve in self.curves.values():
            curve.forget(round)
        kept = [sample for sample in self.samples if sample[1] <= round]
        self.samples.clear()
        self.samples.extend(kept)

    def table(self) -> dict[str, Any]:
        return {
            "charts": [curve_chart(title, "step", lines) for title, lines in self._by_metric()],
            "left_out": len(self.left_out),
            "layers": charts_of({step: look.shares for step, look in self.looks.items()}),
            "sheets": [
                {"step": self.sheets[round][0], "file": name, "columns": sheet.columns, **sheet.event()}
                for name, (round, sheet) in self.files().items()
            ],
            "samples": [{"step": step, "text": text} for step, _, text in self.samples],
            "log": list(self.log),
        }

    def _by_metric(self) -> list[tuple[str, dict[str, list[tuple[int, float]]]]]:
        """Of each metric, the loss first, its lines by the part that was measured."""
        found: dict[str, dict[str, list[tuple[int, float]]]] = {}
        for name, curve in self.curves.items():
            part, _, metric = name.partition(".")
            if points := curve.finite():
                found.setdefault(metric or name, {})[part] = points
        return sorted(found.items(), key=lambda chart: (chart[0] != "loss", chart[0]))


def in_words(said: Mapping[str, Any]) -> str:
    """What an event says beside its step.

    >>> in_words({"name": "optimizer.lr", "value": 0.5})
    'name optimizer.lr, value 0.5'
    """
    words = [f"{name} {value if isinstance(value, str) else dumps(value)}" for name, value in said.items()]
    return one_line(", ".join(words)[:MOST_LETTERS])


class Follower:
    """Reads a ledger from where it stopped before."""

    def __init__(self, folder: Path) -> None:
        self.history = History()
        self._files = Files(folder)
        self._file, self._read, self._size = 0, 0, 0  # the file's number, and bytes

    def advance(self, seconds: float) -> None:
        """Read what is new, for so long at most. A ledger that became another one, or shorter, is read again."""
        until = time.monotonic() + seconds
        try:
            with self._files.reading(FILE) as file:
                now = os.fstat(file.fileno())
                if now.st_ino != self._file or now.st_size < self._read:
                    self.history, self._file, self._read = History(), now.st_ino, 0
                self._size = now.st_size
                file.seek(self._read)
                while time.monotonic() < until and (raw := file.readline(MOST_LINE)):
                    if not raw.endswith(b"\n") and len(raw) < MOST_LINE:
                        self._size = self._read  # the run is writing it, or was killed meanwhile
                        return
                    self._read += len(raw)
                    if (line := parsed_line(raw)) is not None:
                        self.history.take(line)
        except FileNotFoundError:
            self.history, self._read, self._size = History(), 0, 0

    @property
    def share(self) -> float:
        """How much of the ledger was read, from 0 to 1."""
        return self._read / self._size if self._size else 1.0
