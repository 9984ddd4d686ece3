"""Trains recipes and writes docs/results.md from their runs: `results.py [--runs FOLDER] [RECIPE ...]`.

A run that is there already is gone on with, or taken as it is where it has ended. Without names only the table is made.
What the table said of recipes that have no run there stays.
What others report stands in docs/published.toml.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
HEAD = """\
# Results

What the recipes reach, written by `make results RECIPES="..."` from runs; what each is held to is its `expect`. An
accuracy p on a test part of n examples is uncertain by about 2 sqrt(p (1 - p) / n). Times are those of that machine,
whatever else it did. A recipe that is not in the table has not been trained whole for it.

| recipe | metric | ours | expected | beside | what that is | seconds | machine |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""


def published() -> dict:
    """What others report, by recipe."""
    return tomllib.loads((ROOT / "docs" / "published.toml").read_text(encoding="utf-8"))


def train(recipe: str, folder: Path) -> None:
    command = [sys.executable, "-m", "powertrain.cli", "train", recipe, "--run", str(folder)]
    subprocess.run([*command, *(["--resume"] if folder.exists() else [])], check=False)


def row(results: dict, beside: dict, machine: str) -> str:
    """One line of the table. The metric is the published one, or the first that the recipe is held to."""
    expected = {one["name"]: one for one in results["expect"]}
    metric = beside.get("metric") or next((name for name in expected if "." in name), f"{results['part']}.loss")
    part, _, name = metric.partition(".")
    limit = expected[metric]["limit"] if metric in expected else ""
    cells = [
        results["recipe"], metric, f"{results[part][name]:.3f}", limit, beside.get("beside", ""),
        beside.get("what", ""), f"{results['seconds']:.0f}", machine,
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def table(runs: Path, reported: dict, before: str = "") -> str:
    """The table of all runs; what it said before of other recipes stays."""
    heads = ("| recipe", "| ---")
    lines = [line for line in before.splitlines() if line.startswith("| ") and not line.startswith(heads)]
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in lines}
    for path in sorted(runs.glob("*/results.json")):
        results = json.loads(path.read_text(encoding="utf-8"))
        lock = json.loads((path.parent / "run.lock").read_text(encoding="utf-8"))
        machine = f"{lock['system']}, {lock['isa']}"
        rows[results["recipe"]] = row(results, reported.get(results["recipe"], {}), machine)
    return HEAD + "\n".join(rows[recipe] for recipe in sorted(rows)) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=ROOT / "build" / "results")
    parser.add_argument("recipes", nargs="*")
    arguments = parser.parse_args()
    for recipe in arguments.recipes:
        train(recipe, arguments.runs / recipe)
    if not list(arguments.runs.glob("*/results.json")):
        sys.exit(f"[results] no finished run in {arguments.runs}; expected some; name recipes to train")
    page = ROOT / "docs" / "results.md"
    before = page.read_text(encoding="utf-8") if page.is_file() else ""
    page.write_text(table(arguments.runs, published(), before), encoding="utf-8")


if __name__ == "__main__":
    main()
