"""Small runs that tests of exporters export."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.train.trained_run import TrainedRun

# A plugin in a file: one layer for the built-in digits.
ONE_LAYER = """\
import powertrain as pt
from powertrain.plugin import Model


class Net(Model):
    def __init__(self):
        super().__init__()
        self.layer = pt.nn.Linear(64, 10)

    @classmethod
    def build(cls, params, inputs):
        return cls()

    def forward(self, x):
        return self.layer(pt.reshape(x, (x.shape[0], -1)))
"""

DIGITS = {
    "data": {"use": "digits", "split": {"valid": 0.1, "test": 0.2, "stratify": True}},
    "features": [{"use": "scale", "by": 0.0625}],
    "optimizer": {"use": "adamw", "lr": 3e-3},
    "report": {"baseline": False},
}


def of_digits(model: Mapping[str, Any], folder: Path, steps: int = 20, **more: Any) -> TrainedRun:
    """A model of the built-in digits, after some steps."""
    tables = {**DIGITS, "model": model, "run": {"until": f"{steps} steps", "batch_size": 32}, **more}
    return pt.fit(tables, folder=folder, verbose=False)


def of_rows(model: Mapping[str, Any], folder: Path, y: str = "classes", **more: Any) -> TrainedRun:
    """A model of a table with three classes, as the irises are, or of a number, standardized."""
    draw = np.random.default_rng(3)
    kind = np.arange(150) % 3
    x = (draw.normal(size=(150, 4)) * [0.4, 0.3, 0.6, 0.2] + np.outer(kind, [0.9, -0.2, 2.0, 0.8]) + 3).astype(
        "float32"
    )
    target = kind if y == "classes" else np.square(x @ np.array([1.0, -2.0, 0.5, 3.0]))[:, None].astype("float32") + 1
    folder.parent.mkdir(parents=True, exist_ok=True)
    path = folder.parent / f"{folder.name}.npz"
    np.savez(path, x=x, y=target)
    tables = {
        "data": {"use": "arrays", "path": str(path), "split": {"test": 0.4}}, "features": ["standardize"],
        "model": model, "optimizer": {"use": "adamw", "lr": 1e-2}, "run": {"until": "40 steps", "batch_size": 30},
        "report": {"baseline": False}, **more,
    }  # fmt: skip
    return pt.fit(tables, folder=folder, verbose=False)


def of_text(model: Mapping[str, Any], folder: Path) -> TrainedRun:
    """A language model of a few letters."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    path = folder.parent / f"{folder.name}.txt"
    path.write_text("a small text to learn from, again and again; " * 40, encoding="utf-8")
    tables = {
        "data": {"use": "text", "path": str(path), "context": 16, "valid": 0.2}, "model": model,
        "optimizer": {"use": "adamw", "lr": 1e-3}, "run": {"until": "10 steps", "batch_size": 4},
        "report": {"baseline": False}, "evaluate": {"most": 200},
    }  # fmt: skip
    return pt.fit(tables, folder=folder, verbose=False)
