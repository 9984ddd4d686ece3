"""What those share that train a recipe here and in PyTorch, with several seeds: options, a run of ours, the table."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.recipe import load_recipe
from powertrain.train.display.display import Display
from powertrain.train.session import train


def options(page: str | None, seeds: int, setting: str) -> argparse.Namespace:
    """The recipe, how many seeds, and settings of the recipe, such as `setting`."""
    parser = argparse.ArgumentParser(description=page, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--set", action="append", default=[], help=f"of the recipe, such as {setting}")
    return parser.parse_args()


def results_here(recipe: str, settings: Sequence[str]) -> dict[str, Any]:
    """What a run of ours comes to."""
    with tempfile.TemporaryDirectory() as folder:
        run = train(load_recipe(recipe, settings), Path(folder) / "run", display=Display(quiet=True))
    return dict(run.results)


def tabled(seeds: int, row: Callable[[int], Sequence[float]], form: str = "7.3f") -> NDArray[np.float64]:
    """A line for each seed as soon as it is known, and then their mean and deviation; the numbers of all lines."""
    rows = []
    for seed in range(seeds):
        rows.append(row(seed))
        print(f"{seed:4}  " + "  ".join(f"{value:{form}}" for value in rows[-1]), flush=True)
    table = np.array(rows)
    for name, line in (("mean", table.mean(axis=0)), ("dev.", table.std(axis=0, ddof=1))):
        print(f"{name}  " + "  ".join(f"{value:{form}}" for value in line))
    return table
