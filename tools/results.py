"""Writes docs/results.md from the runs that tools/train_recipes.py keeps: `results.py [--runs FOLDER]`.

A recipe that was trained with several seeds has their mean and standard deviation in its line. Lines of recipes without
a run in that folder stay as they are. What others report is in docs/published.toml.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from recipe_runs import ROOT, RUNS, SEED, load

PAGE = ROOT / "docs" / "results.md"
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


def rows_of(page: str) -> dict[str, str]:
    """The lines of the table by recipe."""
    heads = ("| recipe", "| ---")
    lines = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith(heads)]
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines}


def seconds() -> dict[str, float]:
    """How long each recipe of the page took."""
    rows = rows_of(PAGE.read_text(encoding="utf-8"))
    return {recipe: float(line.split(" | ")[6]) for recipe, line in rows.items()}


def table(
    runs: Path, reported: dict, before: str = "", limits: Callable[[str], dict[str, str]] = lambda recipe: {}
) -> str:
    """The table of all runs; what it said before of other recipes stays, but for what these are held to."""
    rows = rows_of(before)
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=RUNS)
    arguments = parser.parse_args()
    if not list(arguments.runs.glob("*/results.json")):
        sys.exit(f"[results] no finished run in {arguments.runs}; expected some; for one: make results RECIPES=digits")
    before = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    PAGE.write_text(table(arguments.runs, published(), before, expected), encoding="utf-8")


if __name__ == "__main__":
    main()
