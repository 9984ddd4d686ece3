"""Representations without labels: losses against formulas in float64, what a probe says, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vision_runs import go, open_data

import powertrain as pt
from powertrain.plugin.testing import killed_and_resumed
from powertrain.recipe import load_recipe
from powertrain.train.building import build
from powertrain.train.display.display import Display
from powertrain.train.folder.run_folder import RunFolder
from powertrain_vision.errors import VisionError
from powertrain_vision.places import same_class
from powertrain_vision.probe import probe
from powertrain_vision.two_views import spread_of

DATA = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2, stratify = true } }
features  = [{ use = "scale", by = 0.0625 }]
optimizer = { use = "adamw", lr = 3e-3 }
run       = { until = "60 steps", batch_size = 64, evaluate = { every = "10 steps" }, save_seconds = 0 }
"""
NETWORKS = 'model.model = { use = "cnn", channels = [8, 16] }\nmodel.projector = { use = "mlp", hidden = [32] }\n'
VIEWS = "width = 32, places = 16, probe = 5, flip = false, round_steps = 5"
RECIPES = {
    "simclr": DATA + NETWORKS + f'strategy = {{ use = "simclr", {VIEWS} }}\n',
    "vicreg": DATA + NETWORKS + f'strategy = {{ use = "vicreg", {VIEWS} }}\n',
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run of each strategy."""
    folder = tmp_path_factory.mktemp("runs")
    for name, text in RECIPES.items():
        go(folder, text, name)
    return folder


def test_spread_is_that_of_numpy_and_padding_counts_for_nothing() -> None:
    places = np.random.default_rng(0).normal(size=(30, 6)) * [0.2, 0.5, 1, 2, 3, 0.1] + 4
    weight = np.repeat([1.0, 0.0], [22, 8])
    lacking, together = spread_of(pt.asarray(places.astype("f")), pt.asarray(weight.astype("f")))
    covariance = np.cov(places[:22].T)
    wanted = np.maximum(0, 1 - np.sqrt(np.diag(covariance) + 1e-4)).mean()
    np.testing.assert_allclose(lacking.item(), wanted, rtol=1e-4)
    others = covariance - np.diag(np.diag(covariance))
    np.testing.assert_allclose(together.item(), np.square(others).sum() / 6, rtol=1e-3)


def test_training_makes_the_representation_better(tmp_path: Path) -> None:
    trained = go(tmp_path, RECIPES["simclr"], "trained", "run.until=400 steps", "run.evaluate.every=200 steps")
    before = {one["name"]: one["value"] for one in trained["baselines"]}
    assert trained["test"]["probe"] > before["random"] + 0.1


def test_the_report_compares_with_the_pixels_and_the_untrained_network(runs: Path) -> None:
    run = open_data(runs / "simclr")
    found = {one.name: one for one in run.strategy.simple(run.dataset, "test")}
    assert found["linear"].value == probe(run.dataset, "test", 5, lambda x: x)
    recipe = load_recipe(str(runs / "simclr" / "recipe.toml"))
    fresh: Any = build(recipe, RunFolder(runs / "fresh"), Display(quiet=True))
    fresh.strategy.setup(fresh)
    assert found["random"].value == pytest.approx(probe(fresh.dataset, "test", 5, fresh.predict), abs=1e-6)
    page = (runs / "simclr" / "report.html").read_text(encoding="utf-8")
    assert "the same probe on the network before training, with 5 labels of each class" in page


def test_vicreg_keeps_places_from_falling_together(runs: Path) -> None:
    """Without its spread all places become one; with it they do not."""
    alone = RECIPES["vicreg"].replace("width = 32", "spread = 0.0, apart = 0.0, width = 32")
    go(runs, alone, "fallen")
    deviations = [places_of(runs / name, 200).std(axis=0).mean() for name in ("vicreg", "fallen")]
    assert deviations[1] < deviations[0] / 5


def places_of(folder: Path, count: int) -> np.ndarray:
    """The places of the loss, one view of each example."""
    run = pt.load(folder)
    strategy: Any = run.run.strategy
    x = np.random.default_rng(0).random((count, 8, 8)).astype("f")
    return np.asarray(run.run.compute(lambda t, batch: strategy.placed(t, batch.x)[0], x=x))


@pytest.mark.parametrize("name", RECIPES)
def test_the_report_shows_a_map_and_views(name: str, runs: Path) -> None:
    run = open_data(runs / name)
    assert [one.title for one in run.strategy.sections(run)] == ["Map of what was learned", "Views"]
    page = (runs / name / "report.html").read_text(encoding="utf-8")
    assert "Map of what was learned" in page and "nearest of each" in page and "Training draws new views" in page


def test_a_probe_is_logistic_regression_on_few_labels() -> None:
    from sklearn.linear_model import LogisticRegression

    draw = np.random.default_rng(0)
    y = np.arange(600) % 3
    x = (draw.normal(size=(600, 5)) + 1.5 * np.eye(3, 5)[y]).astype("f")
    parts = {"train": pt.data.ArrayDataset(x=x[:400], y=y[:400]), "test": pt.data.ArrayDataset(x=x[400:], y=y[400:])}
    dataset = pt.data.DataModule("points", "classification", parts, outputs=3)
    asked = []

    def encode(rows: Any) -> Any:
        asked.append(rows)
        return rows

    found = probe(dataset, "test", 20, encode)
    (few, held), count = asked, 60
    few, held = few[:count], held[:200]
    mean, deviation = few.mean(axis=0), few.std(axis=0)
    labels = [int(y[:400][(x[:400] == row).all(axis=1)][0]) for row in few]
    assert np.bincount(labels).tolist() == [20, 20, 20]
    fit = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000).fit((few - mean) / deviation, labels)
    assert found == pytest.approx(fit.score((held - mean) / deviation, y[400:]), abs=0.011)
    assert probe(dataset, "test", 20, encode) == found


def test_the_share_of_neighbours_of_the_same_class() -> None:
    places = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [5.2]])
    assert same_class(places, np.array([0, 0, 0, 1, 1, 1])) == pytest.approx(2 / 5)  # 5 neighbours are all others


@pytest.mark.parametrize("name", ["simclr", "vicreg"])
def test_killed_and_resumed_it_ends_with_the_same_bits(name: str, tmp_path: Path) -> None:
    killed_and_resumed(RECIPES[name], tmp_path, after="step 20/")


@pytest.mark.parametrize("name", RECIPES)
def test_a_finished_run_takes_every_verb(name: str, runs: Path, tmp_path: Path) -> None:
    """Answers are the representation; without the data too, and in another form."""
    run, x = pt.load(runs / name), np.random.default_rng(0).random((3, 8, 8)) * 16
    outputs = run.predict(x).outputs
    assert outputs.shape == (3, 32)
    np.testing.assert_array_equal(outputs, open_data(runs / name).predict((x / 16).astype("f")))
    for to in ("safetensors", "c", "wheel"):
        assert run.export(to, tmp_path).path.exists()
    assert run.quantize(8, folder=tmp_path / "small").metric == "probe"
    assert run.report().is_file()


def test_what_cannot_be_learned_from_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    def refused(text: str, *settings: str) -> str:
        with pytest.raises(VisionError) as caught:
            go(tmp_path, text, "refused", *settings)
        assert not (tmp_path / "refused").exists()
        return str(caught.value)

    draw = np.random.default_rng(0)
    x = draw.normal(size=(60, 8, 8)).astype("f")

    def of(y: Any, shape: tuple[int, ...] = (8, 8)) -> str:
        np.savez(tmp_path / "own.npz", x=x.reshape(60, *shape), y=y)
        text = RECIPES["simclr"].replace('use = "digits"', 'use = "arrays", path = "own.npz"')
        return text.replace(", stratify = true", "")

    assert refused(of(np.arange(60) % 3 * 2)) == (
        "[simclr] probe = 5, and no training example of 1, 3; expected one or more of each class; add some, or set "
        "strategy.probe = 0"
    )
    assert refused(of(draw.normal(size=60).astype("f"))) == (
        "[simclr] probe = 5 on a regression task; expected classes, whose labels a probe needs; set strategy.probe = "
        "0, which leaves it out"
    )
    assert refused(of(np.arange(60) % 3, (64,))).startswith("[simclr] examples of shape [64]; expected pictures")


def test_pictures_of_another_size_are_refused(runs: Path) -> None:
    for name in RECIPES:
        with pytest.raises(pt.Error, match="8, 8"):
            pt.load(runs / name).predict(np.zeros((2, 9, 9)))
