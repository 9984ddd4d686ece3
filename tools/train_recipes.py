"""Trains recipes whole, and holds each to its `expect`: `train_recipes.py [--part K/N] [--seeds N] [RECIPE ...]`.

Without names all of them, or the K-th of N parts that take about equally long. Runs are kept (recipe_runs.py), so a
second call trains only what has changed since, and goes on with what was stopped. A recipe whose data or packages are
not here is named, and is no failure. With --seeds N each is trained with N seeds, the recipe's own and others.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import powertrain as pt
from recipe_catalog import rows
from recipe_runs import RUNS, SEED, lacking, listed, shared_out, train
from results import seconds
from show_progress import duration

PART = re.compile(r"([1-9]\d*)/([1-9]\d*)")
# The exit codes: all that was trained is met, or not, and what the shell says of Ctrl-C.
MET, MISSED, INTERRUPTED = 0, 1, 130
Row = tuple[str, str, str, str]


def expected_seconds() -> dict[str, float]:
    """Every recipe, with how long it took for docs/results.md, or else may take."""
    took = seconds()
    return {row["name"]: took.get(row["name"], row["seconds"] or 0.0) for row in rows()}


def part_of(text: str) -> tuple[int, int]:
    """K and N of K/N."""
    found = PART.fullmatch(text)
    if found is None or int(found[1]) > int(found[2]):
        raise argparse.ArgumentTypeError(f"received {text!r}; expected K/N with 1 <= K <= N; for example 1/8")
    return int(found[1]), int(found[2])


def outcome(name: str, how: str, folder: Path) -> Row:
    """A row on a run: its name, how it came here, what it reached, and the seconds it took."""
    if how == "stopped":
        return name, "failed", "it has no results: see what it said above", ""
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    missed = [one for one in results["expect"] if not one["met"]]
    shown = missed or results["expect"][:1]
    said = ", ".join(f"{one['name']} {one['value']:.4g}, expected {one['limit']}" for one in shown)
    return name, "missed" if missed else how, said, f"{results['seconds']:.0f}"


def train_all(names: Sequence[str], runs: Path, seeds: int, lengths: Mapping[str, float]) -> int:
    """Train them one after the other, and print a table of all; the exit code."""
    total, behind, table = sum(lengths.get(name, 0) for name in names) * seeds, 0.0, list[Row]()
    code = MET
    try:
        for at, name in enumerate(names):
            for seed in range(seeds):
                run = Path(name).stem + (f"{SEED}{seed}" if seed else "")
                length = lengths.get(name, 0)
                print(
                    f"[recipes {at + 1}/{len(names)}] {run}, about {duration(length)}; {duration(behind)} of "
                    f"{duration(total)} are behind",
                    flush=True,
                )
                table.append(tried(name, runs / run, *([f"run.seed={seed}"] if seed else [])))
                behind += length
    except KeyboardInterrupt:
        print("[recipes] stopped; the same command goes on from here", flush=True)
        code = INTERRUPTED
    print(listed([("recipe", "run", "reached", "seconds"), *table]))
    bad = [row[0] for row in table if row[1] in ("missed", "failed")]
    return code or (MISSED if bad else MET)


def tried(name: str, folder: Path, *settings: str) -> Row:
    """Train one, and say how it went."""
    try:
        return outcome(folder.name, train(name, folder, *settings), folder)
    except pt.Error as error:
        print(error, file=sys.stderr, flush=True)
        return folder.name, "not here" if lacking(error) else "failed", str(error).splitlines()[0][:100], ""


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="train_recipes.py", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=RUNS, help="where the runs are kept")
    parser.add_argument("--part", type=part_of, metavar="K/N", help="the K-th of N parts of all recipes")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="train each with so many seeds")
    parser.add_argument("recipes", nargs="*", metavar="RECIPE")
    arguments = parser.parse_args(words)
    lengths = expected_seconds()
    names = arguments.recipes or list(lengths)
    if arguments.part is not None:
        k, n = arguments.part
        names = shared_out({name: lengths.get(name, 0.0) for name in names}, n)[k - 1]
    return train_all(names, arguments.runs, arguments.seeds, lengths)


if __name__ == "__main__":
    sys.exit(main())
