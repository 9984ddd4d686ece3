"""The runs that are watched: which there are, how far each is, and the whole of those that somebody looks at."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from powertrain._core import Error
from powertrain.io.console import one_line
from powertrain.io.file_lock import LOCK_FILE
from powertrain.live.history import Follower
from powertrain.live.load import Held, Load, has_open, locks
from powertrain.train.folder.ledger import FILE, parsed_line
from powertrain.train.folder.run_folder import RESULTS, RunError, RunFolder
from powertrain.train.samples import sheets

MOST_RUNS = 200  # that a page lists, the newest
MOST_FOLLOWED = 8  # whose curves are kept in memory
TAILS = (64 << 10, 1 << 20)  # bytes at the end of a ledger that tell how far a run is; histograms may fill the first
MOST_VALUES = 40  # of a run's last evaluation
READING_SECONDS = 0.5  # in which a page gets an answer, whatever is left to read


class Seen(NamedTuple):
    """A run as it was when its ledger had this size."""

    ledger: tuple[int, int]
    row: dict[str, Any]


class Board:
    """What is known of the runs in some places: folders of runs, or runs. Threads may ask."""

    def __init__(self, places: Sequence[Path]) -> None:
        self.places = list(places)
        self._load = Load()
        self._seen: dict[str, Seen] = {}
        self._paths: dict[str, Path] = {}
        self._pids: dict[str, int] = {}
        self._followed: OrderedDict[str, Follower] = OrderedDict()
        self._lock = threading.Lock()

    def runs(self) -> dict[str, Any]:
        """What runs there are: those that train first, then the newest."""
        with self._lock:
            locked = locks()
            self._paths = {identity(path): path for path in self._folders()}
            self._seen = {id: seen for id, seen in self._seen.items() if id in self._paths}
            self._pids = {}
            rows = [self._row(id, path, locked) for id, path in self._paths.items()]
            rows.sort(key=lambda row: (row["state"] == "training", row["time"] or 0), reverse=True)
            return {
                "runs": rows[:MOST_RUNS], "left_out": max(0, len(rows) - MOST_RUNS),
                "places": [str(place) for place in self.places],
            }  # fmt: skip

    def load(self) -> dict[str, Any]:
        """What the machine is busy with, and the processes of runs that train."""
        with self._lock:
            self._load.keep(set(self._pids.values()))
            processes = {id: self._load.process(pid) for id, pid in self._pids.items() if pid > 0}
            return {**self._load.machine(), "runs": processes}

    def run(self, id: str) -> dict[str, Any] | None:
        """The curves, samples and log of a run; None where there is no such run. `read` is below 1 where the ledger
        is so long that its reader has to read on."""
        with self._lock:
            path = self._paths.get(id)
            if path is None:
                return None
            follower = self._followed.pop(id, None) or Follower(path)
            self._followed[id] = follower
            while len(self._followed) > MOST_FOLLOWED:
                self._followed.popitem(last=False)
            problem = ""
            try:
                follower.advance(READING_SECONDS)
            except (Error, OSError) as error:
                problem = one_line(error)
            return {"id": id, "read": follower.share, "problem": problem, **follower.history.table()}

    def samples(self, id: str, name: str) -> tuple[str, bytes] | None:
        """The media type and the content of a file of samples; None where the page was told of no such file, or
        something else has its name."""
        with self._lock:
            path, follower = self._paths.get(id), self._followed.get(id)
            known = follower.history.files() if follower else {}
        if path is None or name not in known:
            return None
        round, sheet = known[name]
        try:
            content = sheets.read(RunFolder(path).files, round, sheet)
        except (Error, OSError):
            return None
        return None if content is None else (sheets.KINDS[sheet.kind][1], content)

    def _folders(self) -> Iterator[Path]:
        for place in self.places:
            if RunFolder(place).started:
                yield place
                continue
            with contextlib.suppress(OSError):  # it is not there yet, or not any more
                yield from (path for path in sorted(place.iterdir()) if RunFolder(path).started)

    def _row(self, id: str, path: Path, locked: Mapping[int, Sequence[Held]]) -> dict[str, Any]:
        folder = RunFolder(path)
        pid = _holder(path, locked)
        if pid is not None:
            self._pids[id] = pid
        state = "training" if pid is not None else "finished" if folder.files.there(RESULTS) else "stopped"
        ledger = _size(path / FILE)
        seen = self._seen.get(id)
        if seen is None or seen.ledger != ledger:
            seen = self._seen[id] = Seen(
                ledger, {"id": id, "name": one_line(path.name), **_about(folder), **_newest(folder)}
            )
        return {**seen.row, "state": "damaged" if seen.row["problem"] else state, "version": list(ledger)}


def demand_runs(places: Sequence[Path]) -> None:
    """Refuse what is neither a run nor a folder of runs."""
    for place in places:
        if not place.is_dir():
            what = "is no folder" if place.exists() else "is not there"
            raise RunError(f"[watch {place}] it {what}; expected a run, or a folder of runs; see powertrain runs")


def identity(path: Path) -> str:
    """A name for a run that says nothing of where it lies."""
    return hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]


def _holder(path: Path, locked: Mapping[int, Sequence[Held]]) -> int | None:
    """The process that trains in a folder. It holds a lock on a file there, which is asked of the system: to try the
    lock would keep a run from beginning at that moment."""
    try:
        lock = (path / LOCK_FILE).lstat()
    except OSError:
        return None
    for held in locked.get(lock.st_ino, ()):
        # btrfs names another device in the list of locks than of the file: then the holder has the file open.
        if held.device == lock.st_dev or (held.pid > 0 and has_open(held.pid, lock)):
            return held.pid
    return None


def _size(path: Path) -> tuple[int, int]:
    try:
        found = path.lstat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _about(folder: RunFolder) -> dict[str, Any]:
    try:
        about = folder.about()
    except (Error, OSError) as error:
        return {"recipe": "", "until": "", "problem": one_line(error)}
    run = about["tables"].get("run")
    until = run.get("until") if isinstance(run, dict) else None
    return {
        "recipe": one_line(about["recipe"]),
        "until": one_line(until) if isinstance(until, str) else "",
        "problem": "",
    }


def _newest(folder: RunFolder) -> dict[str, Any]:
    """How far a run is, by the end of its ledger."""
    found: dict[str, Any] = {"step": 0, "epoch": None, "time": None, "values": {}}
    lines: list[dict[str, Any]] = []
    try:
        with folder.files.reading(FILE) as file:
            for tail in TAILS:
                file.seek(max(0, os.fstat(file.fileno()).st_size - tail))
                lines = [line for raw in file.read(tail).split(b"\n") if (line := parsed_line(raw)) is not None]
                if any(line["event"] == "metrics" for line in lines):
                    break
    except (Error, OSError):
        return found
    for line in lines:
        found["step"] = line["step"]
        if isinstance(line.get("time"), (int, float)):
            found["time"] = line["time"]
        if line["event"] == "metrics":
            found["epoch"] = line["epoch"] if isinstance(line.get("epoch"), int) else None
            found["values"] = {one_line(name): value for name, value in list(line["values"].items())[:MOST_VALUES]}
    return found
