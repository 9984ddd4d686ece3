"""Several labels for each example: F1 beside scikit-learn's, films and genres, refusals, a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from powertrain.data import ArrayDataset, DataError, DataModule
from powertrain.plugin.testing import killed_and_resumed
from powertrain.recipe import load_recipe
from powertrain.train.display.display import Display
from powertrain.train.evaluate.review import open_run
from powertrain.train.session import train
from powertrain_tabular.film_genres import FilmGenres, films_of
from powertrain_tabular.multilabel import LabelF1, MacroF1, MultiLabel
from powertrain_tabular.ratings import ratings_of

SIGNS = '''\
import dataclasses

import numpy as np

from powertrain.data import ArrayDataset, DataModule
from powertrain.plugin import Data
from powertrain_tabular.multilabel import MultiLabel


class Signs(Data):
    """Which of four sums of numbers are above 0."""

    @classmethod
    def build(cls, params, base):
        draw = np.random.default_rng(0)
        x = draw.normal(size=(600, 5)).astype(np.float32)
        sums = np.stack([x[:, 0], x[:, 1] + x[:, 2], x[:, 3] - 1, x[:, 4] * x[:, 0]], axis=1)
        source = ArrayDataset(x=x, y=(sums > 0).astype(np.float32))
        return DataModule("signs", "multi-label", {"train": source}, 4, labels=("a", "b", "c", "d"))
'''
RECIPE = """\
data      = { use = "./signs.py:Signs", split = { valid = 0.2, test = 0.3 } }
model     = { use = "mlp", hidden = [32] }
optimizer = { use = "adamw", lr = 1e-2 }
run       = { until = "30 epochs", batch_size = 32, save_seconds = 0 }
"""


def go(folder: Path) -> Any:
    (folder / "signs.py").write_text(SIGNS)
    (folder / "signs.toml").write_text(RECIPE)
    return train(load_recipe(str(folder / "signs.toml")), folder / "run", display=Display(quiet=True)).results


@pytest.mark.parametrize("average, kind", [("micro", LabelF1), ("macro", MacroF1)])
def test_f1_is_scikit_learns_however_the_rows_are_cut(average: str, kind: Any) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    draw = np.random.default_rng(0)
    logits, y = draw.normal(size=(50, 6)), (draw.random((50, 6)) < 0.3).astype(np.float32)
    wanted = metrics.f1_score(y, logits > 0, average=average)
    metric = kind()
    for rows in (slice(0, 7), slice(7, 7), slice(7, 50)):
        metric.update(logits[rows], y[rows], np.ones(len(y[rows])))
    metric.update(logits[:3], y[:3], np.zeros(3))  # padding
    assert metric.compute() == pytest.approx(wanted)
    assert np.isnan(kind().compute())


def test_it_learns_each_label_and_says_which(tmp_path: Path) -> None:
    found = go(tmp_path)
    dummy = next(one["value"] for one in found["baselines"] if one["name"] == "dummy")
    assert found["test"]["label-f1"] > 0.9 > dummy
    (said,) = open_run(tmp_path / "run").predict(np.array([[2, 2, 2, -2, 2]], np.float32))
    assert said["labels"] == ["a", "b", "d"] and said["probabilities"]["c"] < 0.1
    report = (tmp_path / "run" / "report.html").read_text()
    assert "All of its labels are right" in report and "precision" in report


def test_a_kill_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "signs.py").write_text(SIGNS)
    killed_and_resumed(RECIPE.replace("30 epochs", "12 epochs"), tmp_path)


def test_films_are_told_by_who_rated_them(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {
        "userId": [1, 1, 1, 2, 2, 3], "movieId": [10, 20, 30, 10, 20, 10], "year": [2000] * 6,
        "genres": ["War", "Comedy|War", "(no genres listed)", "War", "Comedy|War", "War"],
        "rating": [4.0, 2.0, 3.0, 5.0, 4.0, 1.0], "timestamp": [0, 1, 2, 0, 1, 0],
    }  # fmt: skip
    made = films_of(ratings_of(columns), 2).fetch(np.arange(2))
    assert made["y"].tolist() == [[0, 1], [1, 1]]  # Comedy, War; the third film has no genre
    thirds, halves = 3**-0.5, 2**-0.5
    np.testing.assert_allclose(made["x"][0], np.array([1, 1, 1, 1, 0.5, 0]) * thirds, rtol=1e-6)
    np.testing.assert_allclose(made["x"][1], np.array([1, 1, 0, -1, -0.5, 0]) * halves, rtol=1e-6)
    with pytest.raises(DataError, match="no film has 9 ratings and a genre"):
        films_of(ratings_of(columns), 9)
    with pytest.raises(DataError, match=r"\[film-genres\].*powertrain_tabular.fetch"):
        FilmGenres.build(FilmGenres.Params(path=tmp_path), Path())


@pytest.mark.parametrize("y", [np.full((4, 2), 0.5, np.float32), np.zeros((4, 3), np.float32), np.zeros((4, 2), int)])
def test_other_targets_are_refused(y: np.ndarray) -> None:
    source = ArrayDataset(x=np.zeros((4, 1), np.float32), y=y)
    with pytest.raises(DataError, match=r"of train and outputs = 2; expected 0 or 1 as a float for each label"):
        MultiLabel().check(DataModule("rows", "multi-label", {"train": source}, 2))
