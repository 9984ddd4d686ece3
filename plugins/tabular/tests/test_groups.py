"""What is learned without targets, in the report: principal components, and the centres of k-means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import Section

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


def groups(tmp_path: Path, data: Any, clusters: int, **more: Any) -> tuple[Any, Section]:
    strategy = {"use": "k-means", "clusters": clusters}
    tables = {"strategy": strategy, "run": {"until": "8 rounds", "batch_size": 64}, "report": {"baseline": False}}
    trained = pt.fit({**tables, "data": data, **more}, folder=tmp_path / "r", verbose=False)
    (section,) = trained.run.strategy.sections(trained.run)
    assert "<h2>Clusters</h2>" in trained.report().read_text(encoding="utf-8")
    return trained.run, section


def test_centres_are_drawn_where_examples_are_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    run, section = groups(tmp_path, DIGITS["data"], 12, features=SCALED)
    from matplotlib.figure import Figure

    figure = Figure()
    assert section.draw is not None
    section.draw(figure)
    sizes = [int(row[1]) for row in section.rows[1:]]
    assert sum(sizes) == len(run.dataset.train) and sizes == sorted(sizes, reverse=True) and len(sizes) == 12
    centres = run.strategy.centres.numpy()
    drawn = np.array([axes.images[0].get_array() for axes in figure.axes]).reshape(12, 64)
    order = [int(row[0]) for row in section.rows[1:]]
    low, high = centres.min(), centres.max()
    # Means of the last groups; the centres are those of the groups before.
    np.testing.assert_allclose(drawn, (centres[order] - low) / (high - low), atol=0.1)
    assert section.rows[0] == ("cluster", "rows", "share", "mostly", "share of it")


def test_groups_of_other_rows_lie_on_a_plane(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    x = np.concatenate([draw.normal(size=(40, 5)), 8 + draw.normal(size=(20, 5))])
    lines = ["a,b,c,d,e,target", *(",".join(f"{value:.4f}" for value in (*row, row.sum())) for row in x)]
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    data = {"use": "table", "path": str(tmp_path / "rows.csv"), "target": "target", "split": {"valid": 0.2}}
    run, section = groups(tmp_path, data, 2)
    assert section.rows[0] == ("cluster", "rows", "share")
    shares = sorted(int(row[1]) for row in section.rows[1:])
    assert sum(shares) == len(run.dataset.train) and 10 <= shares[0] <= 20
    assert section.png() is None or len(section.png() or b"") > 1000
