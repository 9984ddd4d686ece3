"""`run.explain(method="map")`: examples on a plane, by openTSNE."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.train.explain.embedding_map import MOST
from powertrain.train.folder.run_folder import RunError
from rows_run import train_rows
from running import run

GROUPS = 3


def rows(count: int = 240, seed: int = 0) -> tuple[Any, Any]:
    """Points around the corners of a triangle in six dimensions, and their corners."""
    draw = np.random.default_rng(seed)
    y = np.arange(count) % GROUPS
    x = 0.3 * draw.normal(size=(count, 6))
    x[np.arange(count), y] += 3
    return x.astype(np.float32), y.astype(np.int64)


@pytest.fixture(scope="module")
def trained() -> pt.TrainedRun:
    model = pt.nn.Sequential(pt.nn.Linear(6, 16), pt.nn.ReLU(), pt.nn.Linear(16, GROUPS))
    return pt.fit(model=model, data=rows(), validation=0.5, epochs=10, lr=1e-2, batch_size=30, verbose=False)


def test_examples_that_are_alike_lie_together(trained: pt.TrainedRun, tmp_path: Path) -> None:
    pytest.importorskip("openTSNE", reason="openTSNE is not installed")
    x, y = rows(120, seed=1)
    found = trained.explain(x, y, method="map")
    hidden = trained.model[1](trained.model[0](pt.tensor(x))).numpy()
    np.testing.assert_allclose(found.embedding, hidden, atol=1e-6)
    assert (
        found.points.shape == (120, 2) and found.rows.tolist() == list(range(120)) and found.labels == ("0", "1", "2")
    )
    apart = np.square(found.points[:, None] - found.points).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (y[apart.argmin(axis=1)] == y).all()
    near = [np.argsort(np.square(places[:, None] - places).sum(axis=2), axis=1)[:, 1:11]
            for places in (found.embedding, found.points)]  # fmt: skip
    assert found.kept == pytest.approx(np.mean([len(set(a) & set(b)) for a, b in zip(*near, strict=True)]) / 10)
    assert 0.3 < found.kept <= 1 and "120 examples" in repr(found)
    assert trained.explain(x, y, method="map").points.tolist() == found.points.tolist()
    assert trained.explain(x, y, method="map", seed=1).points.tolist() != found.points.tolist()
    drawn = found.save(tmp_path / "map.svg").read_text()
    assert drawn.count("<use") > 120 and found.save(tmp_path / "map.png").read_bytes()[:4] == b"\x89PNG"


def test_a_map_needs_no_targets_and_takes_a_part(trained: pt.TrainedRun) -> None:
    pytest.importorskip("openTSNE", reason="openTSNE is not installed")
    bare = trained.explain(rows(30)[0], method="map")
    assert bare.targets is None and bare._repr_png_() is not None
    part = trained.explain("valid", method="map")
    assert len(part.points) == len(trained.run.dataset.splits["valid"]) and part.targets is not None


def test_numbers_are_shades_and_many_examples_are_thinned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("openTSNE", reason="openTSNE is not installed")
    x, y = rows(60)
    line = pt.fit(model=pt.nn.Linear(6, 1), data=(x, y.astype(np.float32)), epochs=1, verbose=False)
    monkeypatch.setattr("powertrain.train.explain.embedding_map.MOST", 20)
    found = line.explain(x, y.astype(np.float32), method="map")
    assert len(found.points) == 20 and found.rows[[0, -1]].tolist() == [0, 59] and found.labels == ()
    np.testing.assert_array_equal(found.embedding, x[found.rows].astype(np.float64))
    assert found.targets is not None and found.targets.tolist() == y[found.rows].tolist() and MOST == 2000
    assert found.save(tmp_path / "map.pdf").is_file()


def test_the_command_draws_a_map(tmp_path: Path) -> None:
    pytest.importorskip("openTSNE", reason="openTSNE is not installed")
    x, y = rows(80)
    train_rows(tmp_path, x, y)
    said = run(["explain", "run", "--method", "map"], tmp_path).stdout.splitlines()
    assert said[0].startswith("EmbeddingMap(40 examples") and said[1] == "run/explain-map.svg"
    np.save(tmp_path / "x.npy", x[:15])
    for asked, count in (("x.npy", 15), ("train", 40)):
        assert f"EmbeddingMap({count} examples" in run(["explain", "run", asked, "--method", "map"], tmp_path).stdout


def test_what_makes_no_map_says_why(trained: pt.TrainedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunError) as caught:
        trained.explain(rows(9)[0], method="map")
    assert str(caught.value) == (
        "[explain] received 9 examples for a map; expected 10 or more; some hundreds show groups"
    )
    with pytest.raises(
        RunError, match=r'received of with method="map"; expected it with method="gradients" or "occlusion"'
    ):
        trained.explain(rows(30)[0], method="map", of=1)
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(RunError) as caught:
        trained.explain(rows(30)[0], method="map")
    assert str(caught.value).startswith("[explain] openTSNE cannot be imported (")
    assert str(caught.value).endswith('expected it, since it makes the map; pip install "powertrain[maps]"')
