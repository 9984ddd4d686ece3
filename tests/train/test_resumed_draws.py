"""A run that goes on draws none of the initial weights that its checkpoint replaces, and ends with the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.random import Generator

X = np.random.default_rng(0).normal(size=(64, 256)).astype(np.float32)
Y = np.arange(64) % 4
SETTINGS: dict[str, Any] = {
    "data": (X, Y), "model": {"use": "mlp", "hidden": [300]}, "optimizer": {"use": "adamw", "lr": 1e-3},
}  # fmt: skip


def fit(folder: Path, steps: int, **more: Any) -> Any:
    return pt.fit(folder=str(folder), run={"until": f"{steps} steps", "batch_size": 16, "seed": 3}, **SETTINGS, **more)


def test_it_draws_nothing_and_ends_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit(tmp_path / "whole", 6)
    fit(tmp_path / "parts", 3)
    drawn: list[Any] = []
    inner = Generator._draw

    def noted(self: Generator, op: str, size: Any, dtype: Any) -> Any:
        if size and size != (0,):
            drawn.append(size)
        return inner(self, op, size, dtype)

    monkeypatch.setattr(Generator, "_draw", noted)
    parts = fit(tmp_path / "parts", 6, resume=True)
    assert [size for size in drawn if np.prod(size) >= 1 << 16] == []
    monkeypatch.undo()
    assert parts.results["hash"] == whole.results["hash"]


def test_without_a_checkpoint_it_begins_with_the_same_weights(tmp_path: Path) -> None:
    whole = fit(tmp_path / "whole", 4)
    fit(tmp_path / "parts", 2)
    for path in (tmp_path / "parts" / "checkpoints").iterdir():
        path.unlink()
    parts = fit(tmp_path / "parts", 4, resume=True)
    assert parts.results["hash"] == whole.results["hash"]
