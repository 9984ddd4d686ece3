"""How much of the training part is measured after training: enough targets to tell the gap, not as many windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.train.evaluate.evaluation import Evaluator


@pytest.mark.parametrize(("context", "windows"), [(8, 1250), (256, 100)])
def test_windows_are_counted_by_their_tokens(
    context: int, windows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (np.arange(4000) % 7).astype("<u2").tofile(tmp_path / "train.bin")
    measured: dict[str, int] = {}
    inner = Evaluator.on

    def noted(self: Evaluator, source: Any, part: str, *how: Any) -> Any:
        found = inner(self, source, part, *how)
        measured[part] = found.examples
        return found

    monkeypatch.setattr(Evaluator, "on", noted)
    recipe = {
        "data": {"use": "tokens", "path": str(tmp_path / "train.bin"), "vocabulary": 7, "context": context},
        "model": {"use": "gpt", "layers": 1, "width": 8, "heads": 1}, "optimizer": {"use": "sgd", "lr": 0.1},
        "run": {"until": "1 step", "batch_size": 16},
    }  # fmt: skip
    pt.fit(recipe, folder=tmp_path / "a", verbose=False)
    assert measured["train"] == windows
