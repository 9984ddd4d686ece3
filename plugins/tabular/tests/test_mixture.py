"""Gaussian mixtures beside scikit-learn's, and outliers beside its isolation forest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError
from powertrain.io.files import Files
from powertrain.plugin.testing import killed_and_resumed
from powertrain.recipe import load_recipe
from powertrain.train.display.display import Display
from powertrain.train.evaluate.reference import read_profile
from powertrain.train.evaluate.review import open_run
from powertrain.train.folder.checkpoint import Checkpoints
from powertrain.train.session import train
from powertrain_tabular.covariances import FORMS

RECIPE = """\
data     = { use = "arrays", path = "rows.npz", split = { test = 0.25 } }
strategy = { use = "gaussian-mixture", components = 4, covariance = "FORM" }
run      = { until = "12 rounds", batch_size = 64, save_seconds = 0 }
report   = { baseline = false }
"""


def rows(count: int = 600, far: float = 0.0) -> np.ndarray:
    """Three stretched groups that touch; with `far`, a long way from zero."""
    draw = np.random.default_rng(1)
    turns = draw.normal(size=(3, 3, 3))
    middles = draw.normal(scale=3.0, size=(3, 3))
    groups = [middle + draw.normal(size=(count // 3, 3)) @ turn for middle, turn in zip(middles, turns, strict=True)]
    return (far + np.concatenate(groups)).astype(np.float32)


def go(folder: Path, text: str, name: str = "a") -> Any:
    (folder / "mixture.toml").write_text(text)
    return train(load_recipe(str(folder / "mixture.toml")), folder / name, display=Display(quiet=True))


def slots(folder: Path) -> dict[str, np.ndarray]:
    found, _ = Checkpoints(folder).latest()
    assert found is not None
    return found.arrays


def parts(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    dataset = open_run(folder, data=True).run.dataset
    return tuple(part.fetch(np.arange(len(part)))["x"] for part in (dataset.train, dataset.splits["test"]))


@pytest.mark.parametrize("far", [0.0, 1000.0])
@pytest.mark.parametrize("form", list(FORMS))
def test_it_is_scikit_learns_from_the_same_start(tmp_path: Path, form: str, far: float) -> None:
    mixture = pytest.importorskip("sklearn.mixture", reason="scikit-learn is not installed")
    x = rows(far=far)
    np.savez(tmp_path / "rows.npz", x=x, y=np.zeros(len(x), np.float32))
    recipe = RECIPE.replace("FORM", form)
    found = go(tmp_path, recipe).results
    go(tmp_path, recipe.replace("12 rounds", "1 round"), "begun")
    train_x, test_x = parts(tmp_path / "a")
    begun, after = slots(tmp_path / "begun"), slots(tmp_path / "a")
    covariances = begun["covariances"]
    precisions = np.linalg.inv(covariances) if form in ("full", "tied") else 1 / covariances
    other = mixture.GaussianMixture(
        4, covariance_type=form, weights_init=begun["weights"], means_init=begun["means"], precisions_init=precisions,
        max_iter=11, tol=0.0,
    )  # fmt: skip
    with pytest.warns(match="did not converge"):
        other.fit(train_x.astype(np.float64))
    close = {"rtol": 1e-6, "atol": 1e-6}
    np.testing.assert_allclose(after["means"], other.means_, **close)
    np.testing.assert_allclose(after["covariances"], other.covariances_, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(after["weights"], other.weights_, **close)
    assert -found["test"]["loss"] == pytest.approx(other.score(test_x.astype(np.float64)), abs=2e-6)
    made = open_run(tmp_path / "a", data=True)
    run = made.run
    criteria = run.strategy.criteria(run)
    assert criteria["BIC"] == pytest.approx(other.bic(train_x.astype(np.float64)), rel=1e-8)
    assert criteria["AIC"] == pytest.approx(other.aic(train_x.astype(np.float64)), rel=1e-8)


def test_each_round_makes_the_rows_more_likely_and_a_kill_changes_nothing(tmp_path: Path) -> None:
    x = rows()
    np.savez(tmp_path / "rows.npz", x=x, y=np.zeros(len(x), np.float32))
    recipe = RECIPE.replace("FORM", "full").replace(
        "batch_size = 64", 'batch_size = 64, evaluate = { every = "1 round" }'
    )
    killed_and_resumed(recipe, tmp_path, after="round  5/")
    losses = []
    for rounds in (1, 3, 12):
        losses.append(
            go(tmp_path, recipe.replace("12 rounds", f"{rounds} rounds"), str(rounds)).results["train"]["loss"]
        )
    assert losses == sorted(losses, reverse=True) and losses[0] > losses[-1]
    report = (tmp_path / "whole" / "report.html").read_text()
    assert "BIC" in report and "share of rows" in report


def test_predict_says_the_component_and_the_density(tmp_path: Path) -> None:
    x = rows()
    np.savez(tmp_path / "rows.npz", x=x, y=np.zeros(len(x), np.float32))
    found = go(tmp_path, RECIPE.replace("FORM", "full"))
    answers = list(open_run(tmp_path / "a").predict(x))
    assert {answer["group"] for answer in answers} <= {0, 1, 2, 3}
    assert all(0.25 <= answer["probability"] <= 1 for answer in answers)
    assert np.mean([answer["log_density"] for answer in answers]) == pytest.approx(
        -found.results["test"]["loss"], abs=1
    )


def test_components_are_no_classes(tmp_path: Path) -> None:
    """More components than the data has classes: the profile of the run counts no answers then."""
    x = rows()
    np.savez(tmp_path / "rows.npz", x=x, y=np.arange(len(x)) % 2)
    go(tmp_path, RECIPE.replace("FORM", "diag").replace("12 rounds", "2 rounds"))
    assert read_profile(Files(tmp_path / "a")).labels is None


def test_fewer_rows_than_components_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", x=rows(3), y=np.zeros(3, np.float32))
    with pytest.raises(
        DataError, match=r"\[mixture\] 2 rows for 4 components; expected one for each; lower components"
    ):
        go(tmp_path, RECIPE.replace("FORM", "full"))
    assert not (tmp_path / "a").exists()


OUTLIERS = """\
data     = { use = "arrays", path = "rows.npz", split = { test = 0.3, stratify = true } }
strategy = { use = "outliers", components = 3, share = 0.05 }
run      = { until = "10 rounds", batch_size = 64 }
evaluate = { metrics = ["auc", "accuracy"] }
report   = { baseline = false }
"""


def with_outliers() -> tuple[np.ndarray, np.ndarray]:
    """570 usual rows, and 30 anywhere."""
    draw = np.random.default_rng(2)
    x = rows(570)
    low, high = x.min(axis=0), x.max(axis=0)
    odd = draw.uniform(low - 2, high + 2, size=(30, 3)).astype(np.float32)
    return np.concatenate([x, odd]), np.repeat([0, 1], [len(x), 30])


def test_outliers_are_found_without_labels(tmp_path: Path) -> None:
    ensemble = pytest.importorskip("sklearn.ensemble", reason="scikit-learn is not installed")
    from sklearn.metrics import roc_auc_score

    x, y = with_outliers()
    np.savez(tmp_path / "rows.npz", x=x, y=y)
    found = go(tmp_path, OUTLIERS).results
    run = open_run(tmp_path / "a", data=True)
    train_x, test_x = parts(tmp_path / "a")
    test = run.run.dataset.splits["test"]
    test_y = test.fetch(np.arange(len(test)))["y"]
    logits = run.predict(test_x).outputs
    assert found["test"]["auc"] == pytest.approx(roc_auc_score(test_y, logits[:, 1]), abs=1e-12)
    forest = ensemble.IsolationForest(random_state=0).fit(train_x)
    assert found["test"]["auc"] > roc_auc_score(test_y, -forest.score_samples(test_x))
    assert (run.predict(train_x).outputs[:, 1] > 0).mean() == pytest.approx(0.05, abs=0.005)
    np.savez(tmp_path / "rows.npz", x=x, y=1 - y)  # the labels say nothing to it
    assert np.array_equal(slots(tmp_path / "a")["means"], slots_of_other_labels(tmp_path))


@pytest.mark.parametrize("form", ["onnx", "c"])
def test_outliers_are_exported(form: str, tmp_path: Path) -> None:
    if form == "onnx":
        pytest.importorskip("powertrain_onnx", reason="powertrain-onnx is not installed")
        pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    x, y = with_outliers()
    np.savez(tmp_path / "rows.npz", x=x, y=y)
    go(tmp_path, OUTLIERS)
    made = pt.load(tmp_path / "a").export(form, tmp_path)
    assert made.examples > 100 and made.difference <= made.allowed


def slots_of_other_labels(folder: Path) -> np.ndarray:
    go(folder, OUTLIERS, "other")
    return slots(folder / "other")["means"]


def test_outliers_need_two_classes(tmp_path: Path) -> None:
    x, y = with_outliers()
    np.savez(tmp_path / "rows.npz", x=x, y=np.arange(len(y)) % 3)
    with pytest.raises(DataError, match=r"\[outliers\] 3 classes; expected two, usual rows and outliers"):
        go(tmp_path, OUTLIERS)
