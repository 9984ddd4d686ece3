"""Single ops in Powertrain and in its peers, in turns: a table, JSON and a picture in a folder.

    python benchmarks/race_ops.py                                # every case, with one thread and with all: an hour
    python benchmarks/race_ops.py --quick --only "softmax*"      # some seconds
    python benchmarks/race_ops.py --resume                       # what the last run had not reached
    python benchmarks/race_ops.py --document docs/benchmarks/single-ops.md

How it is measured: docs/benchmarks/method.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import fnmatch
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from powertrain.io.plain_json import dumps
from race import caches, machine, op_report
from race.field import FULL, QUICK, Field, Pace
from race.figures import Result
from race.op_cases import CASES
from race.page import replace

FRAMEWORKS = ("powertrain", "torch", "jax", "numpy")
ROUNDS, SECONDS = 5, 0.1
PACE = dataclasses.replace(FULL, rounds=ROUNDS, seconds=SECONDS, warm_up=0.05, settle=0.01)
PLACE, WORST = "benchmarks/race_ops.py", 40  # in a document, and how many cases stand there
MARKS = "Median microseconds; the worst first. `!`: its results are not ours, so it does not count."
QUICK_PACE = dataclasses.replace(QUICK, rounds=2, seconds=0.03, warm_up=0.01, settle=0.0)


def chosen(patterns: Sequence[str]) -> list[str]:
    """The cases that a pattern matches: an op by its name, or a case by any part of it."""
    return [
        name
        for name, case in CASES.items()
        if not patterns or any(fnmatch.fnmatch(case.op, one) or fnmatch.fnmatch(name, f"*{one}*") for one in patterns)
    ]


def as_row(result: Result, threads: int) -> dict[str, Any]:
    """A result as JSON, without the figures that were only compared."""
    row = result.as_json()
    for entry in row["entries"]:
        entry.pop("losses", None)
    return {**row, "threads": threads}


class Race:
    """The rows found so far, which are written after each case."""

    def __init__(self, folder: Path, resume: bool) -> None:
        self.folder = folder
        self.path = folder / "ops.json"
        self.rows: list[dict[str, Any]] = []
        about = {"date": datetime.date.today().isoformat(), "machine": machine.describe()}
        if resume and self.path.exists():
            old = json.loads(self.path.read_text(encoding="utf-8"))
            if old["about"]["machine"] != about["machine"]:
                received, expected = old["about"]["machine"], about["machine"]
                raise ValueError(f"[--resume] {self.path} is of {received}; expected {expected}; leave --resume out")
            self.rows = old["rows"]
        self.about = about

    def run(self, names: Sequence[str], threads: int, pace: Pace, peers: Sequence[str]) -> None:
        done = {row["task"] for row in self.rows if row["threads"] == threads}
        left = [name for name in names if name not in done]
        with Field(["powertrain", *peers], threads) as field:
            for at, name in enumerate(left, 1):
                row = as_row(field.race(name, pace), threads)
                self.rows.append(row)
                said = "no peer" if row["ratio"] is None else f"{row['ratio']:.2f} ({row['best_peer']})"
                print(
                    f"{threads} threads {at}/{len(left)} {name.removeprefix('op ')}: {said}",
                    file=sys.stderr,
                    flush=True,
                )
                self.save()

    def save(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text(dumps({"about": self.about, "rows": self.rows}, indent=1), encoding="utf-8")
        new.replace(self.path)

    def where(self) -> str:
        facts = self.about["machine"]
        versions = sorted({entry["version"] for row in self.rows for entry in row["entries"] if entry["version"]})
        return (
            f"{facts['processor']} (family {facts['family_model']}), {facts['cores']} cores, {facts['system']}, "
            f"Python {facts['python']}; commit {facts['commit'] or 'unknown'}; {self.about['date']}\n\n"
            f"{'; '.join(versions)}"
        )

    def document(self, page: Path) -> None:
        """Into a page: how many cases win and lose, and those that lose most. Its picture lies with the drawings."""
        found = [self.where(), op_report.by_kind(self.rows), MARKS, op_report.worst(self.rows, WORST)]
        replace(page, PLACE, lambda old: "\n\n".join(found))
        op_report.draw(self.rows, page.parent.parent / "drawings" / f"{page.stem}.png")

    def report(self) -> str:
        parts = [
            self.where(),
            op_report.summary(self.rows),
            MARKS,
            op_report.as_table(self.rows),
        ]
        return "\n\n".join(parts)


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[], metavar="PATTERN", help="ops, or parts of a case's name")
    parser.add_argument("--quick", action="store_true", help="short turns, two of them")
    parser.add_argument("--threads", type=int, nargs="*", metavar="N", help="default: 1 and all cores")
    parser.add_argument("--peers", nargs="*", choices=FRAMEWORKS[1:], default=FRAMEWORKS[1:], metavar="NAME")
    parser.add_argument("--resume", action="store_true", help="go on where the last run ended")
    parser.add_argument("--list", action="store_true", help="only print the names of the cases")
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks"), metavar="DIR")
    parser.add_argument("--document", type=Path, metavar="FILE", help="into docs/benchmarks/single-ops.md its tables")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    given = options(arguments)
    names = chosen(given.only)
    if not names:
        print(
            f"[--only] {' '.join(given.only)} matches no case; expected an op or a part of a name; see --list",
            file=sys.stderr,
        )
        return 2
    if given.list:
        print("\n".join(names))
        return 0
    cores = machine.describe()["cores"]
    try:
        race = Race(given.out, given.resume)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    race.about["caches_gbytes"] = caches.written_gbytes()
    for threads in given.threads or sorted({1, cores}):
        race.run(names, threads, QUICK_PACE if given.quick else PACE, given.peers)
    written = race.report()
    print(written)
    (given.out / "ops.md").write_text(written + "\n", encoding="utf-8")
    try:
        op_report.draw(race.rows, given.out / "ops.png")
        if given.document:
            race.document(given.document)
    except ModuleNotFoundError:
        print("ops.png not drawn: matplotlib is not installed; pip install matplotlib", file=sys.stderr)
    print(f"written: {given.out}/ops.json, ops.md, ops.png", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
