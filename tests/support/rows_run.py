"""A run of a linear model of rows that the command has trained: what its verbs are tried on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from running import run

RECIPE = (
    'data = { use = "arrays", path = "rows.npz", split = { test = 0.5 } }\nmodel = "linear"\noptimizer = "adamw"\n'
    'run = { until = "2 epochs", batch_size = 50 }\nreport = { baseline = false }\n'
)


def train_rows(folder: Path, x: Any, y: Any) -> None:
    """Train it in `run` of that folder; the second half of the rows is its test."""
    np.savez(folder / "rows.npz", x=x, y=y)
    (folder / "rows.toml").write_text(RECIPE)
    run(["train", "rows.toml", "--run", "run"], folder)
