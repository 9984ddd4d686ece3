"""What is learned without targets, in the report: principal components, and the centres of k-means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import powertrain as pt

DIGITS = {
    "data": {"use": "digits", "split": {"test": 0.2}}, "run": {"until": "2 rounds", "batch_size": 256},
    "report": {"baseline": False},
}  # fmt: skip
SCALED = [{"use": "scale", "by": 0.0625}, "flatten"]


def page(tables: dict[str, Any], folder: Path) -> str:
    return pt.fit({**DIGITS, **tables}, folder=folder, verbose=False).report().read_text(encoding="utf-8")


def test_a_report_maps_examples_by_their_principal_components(tmp_path: Path) -> None:
    components = {"features": [SCALED[0], {"use": "pca", "components": 4}], "model": "linear"}
    text = page({**components, "strategy": {"use": "full-batch", "l2": 1e-3}}, tmp_path / "r")
    assert "359 examples of test, at the first two principal components of the inputs." in text
