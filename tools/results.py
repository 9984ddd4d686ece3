"""Trains recipes and writes docs/results.md from their runs: `results.py [--runs FOLDER] [--seeds N] [RECIPE ...]`.

With --seeds N each is trained with N seeds, the recipe's own and others, and its line says their mean and deviation.

A run that is there already is gone on with, or taken as it is where it has ended. Without names only the table is made.
What the table said of recipes that have no run there stays.
What others report stands in docs/published.toml.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "benchmarks"))
from race.figures import QUIET_CORES  # noqa: E402
from race.machine import busy_seconds  # noqa: E402

LOAD = "load.json"  # in a run's folder: how long this tool waited for it, and what others used meanwhile
SEED = ".seed-"  # in the name of a run of another seed than the recipe's
HEAD = """\
# Results

What the recipes reach, written by `make results RECIPES="..."` from runs; what each is held to is its `expect`. An
accuracy p on a test part of n examples is uncertain by about 2 sqrt(p (1 - p) / n). A recipe that is not in the table
has not been trained whole for it. Where several seeds were trained, their mean and standard deviation follow the figure
of the recipe's own.

Times are those of that machine. `others` is how many cores other programs used meanwhile; "loaded" marks a time that
they made longer. Where it is empty, nobody measured it.

| recipe | metric | ours | expected | beside | what that is | seconds | others | machine |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def published() -> dict:
    """What others report, by recipe."""
    return tomllib.loads((ROOT / "docs" / "published.toml").read_text(encoding="utf-8"))


def train(recipe: str, folder: Path, *settings: str) -> None:
    command = [sys.executable, "-m", "powertrain", "train", recipe, "--run", str(folder), *settings]
    ended = (folder / "results.json").exists()
    before, own, start = busy_seconds(), child_seconds(), time.monotonic()
    subprocess.run([*command, *(["--resume"] if folder.exists() else [])], check=False)
    after, wall = busy_seconds(), time.monotonic() - start
    if not ended and before is not None and after is not None and folder.is_dir():
        note_load(folder, wall, max(0.0, after - before - (child_seconds() - own)))


def child_seconds() -> float:
    """Processor time of the processes that this one has waited for."""
    times = os.times()
    return times.children_user + times.children_system


def note_load(folder: Path, wall: float, others: float) -> None:
    """Note what others used while a run was trained, beside what they used before it was gone on with."""
    path = folder / LOAD
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"wall": 0.0, "others": 0.0}
    noted = {"wall": before["wall"] + wall, "others": before["others"] + others}
    path.write_text(json.dumps(noted), encoding="utf-8")


def load(folder: Path) -> str:
    """The cores that other programs used while a run was trained, and whether that is too much to believe its time."""
    path = folder / LOAD
    if not path.exists():
        return ""
    noted = json.loads(path.read_text(encoding="utf-8"))
    cores = noted["others"] / noted["wall"]
    return f"{cores:.2f}, loaded" if cores > QUIET_CORES else f"{cores:.2f}"


def row(results: dict, beside: dict, busy: str, machine: str, others: Sequence[dict] = ()) -> str:
    """One line of the table. The metric is the published one, or the first that the recipe is held to; `busy` says
    what other programs used meanwhile; `others` are the results of other seeds."""
    expected = {one["name"]: one for one in results["expect"]}
    metric = beside.get("metric") or next((name for name in expected if "." in name), f"{results['part']}.loss")
    part, _, name = metric.partition(".")
    limit = expected[metric]["limit"] if metric in expected else ""
    ours = f"{results[part][name]:.3f}"
    if others:
        values = [one[part][name] for one in (results, *others)]
        ours += f"; {len(values)} seeds {statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}"
    cells = [
        results["recipe"], metric, ours, limit, beside.get("beside", ""),
        beside.get("what", ""), f"{results['seconds']:.0f}", busy, machine,
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def expected(recipe: str) -> dict[str, str]:
    """What a recipe is held to now, which may be more than it was when a line was written; nothing where it is not."""
    from powertrain.recipe import RecipeError, load_recipe

    try:
        return {name: str(limit) for name, limit in load_recipe(recipe).expect.items()}
    except RecipeError:
        return {}


def table(
    runs: Path, reported: dict, before: str = "", limits: Callable[[str], dict[str, str]] = lambda recipe: {}
) -> str:
    """The table of all runs; what it said before of other recipes stays, but for what these are held to."""
    heads = ("| recipe", "| ---")
    lines = [line for line in before.splitlines() if line.startswith("| ") and not line.startswith(heads)]
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in lines}
    for path in sorted(runs.glob("*/results.json")):
        if SEED in path.parent.name:
            continue
        results = json.loads(path.read_text(encoding="utf-8"))
        lock = json.loads((path.parent / "run.lock").read_text(encoding="utf-8"))
        machine = f"{lock['system']}, {lock['isa']}"
        seeds = sorted(runs.glob(f"{results['recipe']}{SEED}*/results.json"))
        others = [json.loads(one.read_text(encoding="utf-8")) for one in seeds]
        rows[results["recipe"]] = row(results, reported.get(results["recipe"], {}), load(path.parent), machine, others)
    for recipe, line in rows.items():
        cells = line.split(" | ")
        cells[3] = limits(recipe).get(cells[1], cells[3])
        rows[recipe] = " | ".join(cells)
    return HEAD + "\n".join(rows[recipe] for recipe in sorted(rows)) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=ROOT / "build" / "results")
    parser.add_argument("--seeds", type=int, default=1, metavar="N")
    parser.add_argument("recipes", nargs="*")
    arguments = parser.parse_args()
    for recipe in arguments.recipes:
        train(recipe, arguments.runs / recipe)
        for seed in range(1, arguments.seeds):
            train(recipe, arguments.runs / f"{recipe}{SEED}{seed}", "--set", f"run.seed={seed}")
    if not list(arguments.runs.glob("*/results.json")):
        sys.exit(f"[results] no finished run in {arguments.runs}; expected some; name recipes to train")
    page = ROOT / "docs" / "results.md"
    before = page.read_text(encoding="utf-8") if page.is_file() else ""
    page.write_text(table(arguments.runs, published(), before, expected), encoding="utf-8")


if __name__ == "__main__":
    main()
