"""Keep the training steps of each `make bench` in one file, and draw them over time:

    python benchmarks/history.py build/benchmarks/benchmarks.json --history history.jsonl --picture history.svg

A line of the file is one run: its date, commit, machine, and for each workload the ratio to the best peer with its
95 % interval. A run that is there already is replaced. Ratios are drawn, since they were measured beside each other;
milliseconds of different days or machines say little.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from race.picture import STYLES, save, times

COLUMNS = 3
KEY = ("date", "commit", "machine")


def line_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a report of `make bench`; rows without a ratio are left out."""
    machine = report["machine"]
    kept = ("ratio", "ratio_low", "ratio_high", "best_peer", "verdict", "state")
    rows = {
        row["task"].removeprefix("train "): {name: row[name] for name in kept}
        for row in report["sections"].get("steps", [])
        if row["ratio"] is not None and math.isfinite(row["ratio"])
    }
    where = f"{machine['processor']} (family {machine['family_model']}), {machine['cores']} cores, {machine['system']}"
    return {"date": report["date"], "commit": machine["commit"] or "unknown", "machine": where, "rows": rows}


def read(path: Path) -> list[dict[str, Any]]:
    """The runs of a history, the oldest first; none where there is no file."""
    if not path.exists():
        return []
    runs = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            run = json.loads(line)
            run["rows"].keys(), [run[name] for name in KEY]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SystemExit(
                f"[history] line {number} of {path} is no run; expected JSON with date, commit, machine and rows; "
                "remove the line"
            ) from None
        runs.append(run)
    return sorted(runs, key=lambda run: str(run["date"]))


def added(runs: Sequence[dict[str, Any]], new: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs with a new one, in the place of one of the same date, commit and machine."""
    kept = [run for run in runs if any(run[name] != new[name] for name in KEY)]
    return sorted([*kept, new], key=lambda run: str(run["date"]))


def draw(runs: Sequence[Mapping[str, Any]], path: Path) -> None:
    """A field for each workload: the ratio of each run with its interval, and the line at which nobody is faster."""
    workloads = list(dict.fromkeys(name for run in runs for name in run["rows"]))
    rows = max(1, math.ceil(len(workloads) / COLUMNS))
    figure = Figure(figsize=(4 * COLUMNS, 1 + 2.2 * rows))
    fields = figure.subplots(rows, COLUMNS, squeeze=False, sharex=True).ravel()
    colour = STYLES["powertrain"][0]
    for field, workload in zip(fields, workloads, strict=False):
        at = [position for position, run in enumerate(runs) if workload in run["rows"]]
        found = [runs[position]["rows"][workload] for position in at]
        ratios = [row["ratio"] for row in found]
        # A single turn has no interval.
        below = [row["ratio"] - (row["ratio_low"] or row["ratio"]) for row in found]
        above = [(row["ratio_high"] or row["ratio"]) - row["ratio"] for row in found]
        field.errorbar(at, ratios, yerr=[below, above], color=colour, marker="D", markersize=4, capsize=2, linewidth=1)
        field.axhline(1, color="#999999", linewidth=0.8)
        field.set_title(workload, loc="left", fontsize=9)
        field.yaxis.set_major_formatter(times)
    for field in fields[len(workloads) :]:
        field.set_visible(False)
    for field in fields:
        field.set_xticks(range(len(runs)), [f"{run['date']}\n{run['commit']}" for run in runs], fontsize=6, rotation=45)
        field.tick_params(axis="x", labelbottom=True)
        for side in ("top", "right"):
            field.spines[side].set_visible(False)
    figure.suptitle("best peer's time over Powertrain's, training steps; bars: 95 % interval", fontsize=11)
    figure.tight_layout()
    save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path, help="benchmarks.json of a run of make bench")
    parser.add_argument("--history", type=Path, required=True, help="file of earlier runs; made where there is none")
    parser.add_argument("--picture", type=Path, help="picture to write, such as history.svg or history.png")
    options = parser.parse_args()
    runs = added(read(options.history), line_of(json.loads(options.report.read_text(encoding="utf-8"))))
    options.history.write_text("".join(json.dumps(run) + "\n" for run in runs), encoding="utf-8")
    if options.picture:
        draw(runs, options.picture)
    print(f"[history] {len(runs)} runs in {options.history}")


if __name__ == "__main__":
    main()
