"""Pruned copies of runs: trained on, measured, opened again, refused where they cost too much or do not fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.cli import main
from powertrain.nn.utils import prune
from powertrain.nn.utils.masking import mask, plain


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("pruned") / "digits-1"
    return pt.fit("digits", epochs=4, folder=folder, verbose=False)


@pytest.fixture(scope="module")
def smaller(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return trained.prune(0.5, structured=True, until="2 epochs", folder=tmp_path_factory.mktemp("pruned") / "smaller")


def pictures(count: int) -> Any:
    return np.random.default_rng(0).integers(0, 17, (count, 8, 8)).astype("float32")


def test_a_pruned_run_is_trained_on_and_measured(trained: Any, tmp_path: Path) -> None:
    before = trained.predict(pictures(9)).outputs
    made = trained.prune(0.9, until="2 epochs", folder=tmp_path / "pruned")
    part, metric = made.part, made.metric
    assert made.kept and (part, metric) == ("test", "accuracy")
    assert made.before["test"] == trained.evaluate()["test"]
    assert made.cut["test"]["accuracy"] < made.after["test"]["accuracy"] > 0.85
    again = pt.load(tmp_path / "pruned")
    assert again.evaluate() == made.after and again.results["pruned"]["sparsity"] == 0.9
    found = prune.sparsity(again.model)
    layers = {
        path
        for path in found
        if path != "weight" and isinstance(dict(again.model.named_modules())[path], (pt.nn.Linear, pt.nn.Conv2d))
    }
    weights = [np.asarray(dict(again.model.named_modules())[path].weight) for path in layers]
    share = sum(int((one == 0).sum()) for one in weights) / sum(one.size for one in weights)
    assert share == pytest.approx(0.9, abs=0.001)
    assert made.weights[1] < 0.15 * made.weights[0] and made.packed[1] < 0.4 * made.packed[0]
    assert made.bytes[0] == made.bytes[1] and not made.smaller
    np.testing.assert_array_equal(made.run.predict(pictures(5)).outputs, again.predict(pictures(5)).outputs)
    np.testing.assert_array_equal(trained.predict(pictures(9)).outputs, before)  # the run itself stays as it was


def test_a_run_of_settings_alone_is_pruned_as_one_of_a_file(tmp_path: Path) -> None:
    """Its recipe was looked for in a file."""
    run = pt.fit(model="mlp", data="digits", epochs=2, folder=tmp_path / "run", verbose=False, seed=1)
    found = [one.prune(0.5, folder=tmp_path / name) for one, name in ((run, "now"), (pt.load(run.folder), "later"))]
    assert found[0].after == found[1].after and found[0].cut["train"]["accuracy"] < found[0].after["train"]["accuracy"]


def test_units_that_are_pruned_make_the_model_smaller(smaller: Any, trained: Any) -> None:
    assert smaller.kept and smaller.smaller and smaller.bytes[1] < smaller.bytes[0]
    again = pt.load(smaller.folder)
    first = next(module for module in again.model.modules() if isinstance(module, pt.nn.Conv2d))
    assert first.out_channels == 16 and again.results["parameters"] < trained.results["parameters"]
    assert again.evaluate() == smaller.after and smaller.after["test"]["accuracy"] > 0.85
    assert any("has the sizes" in line for line in smaller.lines())


@pytest.mark.parametrize("to", ["c", "safetensors", "wheel"])
def test_a_smaller_run_leaves(smaller: Any, to: str, tmp_path: Path) -> None:
    made = smaller.run.export(to, tmp_path)
    assert made.difference <= made.allowed


def test_a_pruned_run_can_be_quantized(smaller: Any, tmp_path: Path) -> None:
    made = smaller.run.quantize(folder=tmp_path / "both")
    assert made.kept and pt.load(tmp_path / "both").evaluate() == made.after


def test_what_is_pruned_is_not_trained_on(smaller: Any, tmp_path: Path) -> None:
    with pytest.raises(pt.Error, match="its weights are pruned, and are not trained on"):
        pt.fit("digits", epochs=6, folder=smaller.folder, resume=True, verbose=False)


def test_a_calibration_is_fitted_to_the_new_weights(tmp_path: Path) -> None:
    run = pt.fit("digits", epochs=2, folder=tmp_path / "a", verbose=False, **{"evaluate.calibrate": "temperature"})
    made = run.prune(0.9, until="1 epoch", folder=tmp_path / "b").run
    ours, theirs = (one.run.evaluations.decision.calibration.temperature for one in (run, made))
    assert ours != theirs and made.results["decision"]["calibration"]["temperature"] == theirs


def test_the_command_makes_a_table(trained: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(trained.folder, tmp_path / "run")
    assert main(["prune", str(tmp_path / "run"), "--sparsity", "0.5", "0.8", "--until", "1 epoch"]) == 0
    said = capsys.readouterr().out
    assert "sparsity  test accuracy  after the cut" in said and f"written to {tmp_path / 'run-pruned-80'}" in said
    assert (tmp_path / "run-pruned-50" / "pruned.json").is_file()
    asked = ["prune", str(tmp_path / "run"), "--sparsity", "0.5", "0.8", "--out", str(tmp_path / "x")]
    assert main(asked) != 0
    assert "received --out with 2 sparsities" in capsys.readouterr().err


def test_a_run_that_costs_too_much_leaves_nothing(
    trained: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "pruned"
    asked = ["--sparsity", "0.999", "--until", "1 step", "--tolerance", "0.1", "--out", str(target), "--json"]
    assert main(["prune", str(trained.folder), *asked]) == 1
    (table,) = json.loads(capsys.readouterr().out)
    assert table["run"] is None and table["cost"] > 0.1 and not target.exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sparsity": 1.0}, "expected a share between 0 and 1"),
        ({"sparsity": "half"}, "sparsity = 'half'; expected a share"),
        ({"sparsity": 0.5, "until": "soon"}, "until = 'soon'"),
        ({"sparsity": 0.5, "skip": ["no.such"]}, r"\[prune\] skip = 'no.such'"),
        ({"sparsity": 0.5, "tolerance": -1.0}, "tolerance = -1.0"),
    ],
)  # fmt: skip
def test_settings_that_have_no_sense_are_refused(trained: Any, settings: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(pt.Error, match=message):
        trained.prune(**settings, folder=tmp_path / "pruned")
    assert not (tmp_path / "pruned").exists()


def test_a_pruned_run_is_only_pruned_further(smaller: Any, trained: Any, tmp_path: Path) -> None:
    first = trained.prune(np.float32(0.5), until="1 step", folder=tmp_path / "a").run
    second = first.prune(0.9, until="1 step", folder=tmp_path / "b")
    assert second.weights[1] < 0.3 * second.weights[0]
    for run, sparsity, structured in ((second.run, 0.5, False), (second.run, 0.95, True), (smaller.run, 0.9, False)):
        with pytest.raises(pt.Error, match=r"is pruned already, by .*; prune that run"):
            run.prune(sparsity, structured=structured, until="1 step", folder=tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_run_without_layers_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("powertrain_tabular", reason="powertrain-tabular has k-means")
    run = pt.fit("digits-k-means", folder=tmp_path / "run", verbose=False)
    for verb in (lambda: run.prune(0.5, folder=tmp_path / "a"), lambda: run.quantize(folder=tmp_path / "a")):
        with pytest.raises(pt.Error, match="trains no model of layers; expected a run of a neural network"):
            verb()
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    "change",
    [{"role": "teacher"}, {"sizes": {"no": [1]}}, {"sizes": {"body.0": [1, 4096]}}, {"sizes": {"body.0": [1]}},
     {"sizes": {"body.0": [0, 1]}}, {"sizes": 3}],
)  # fmt: skip
def test_a_folder_that_says_something_else_is_refused(smaller: Any, tmp_path: Path, change: dict[str, Any]) -> None:
    shutil.copytree(smaller.folder, tmp_path / "run")
    file = tmp_path / "run" / "pruned.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(pt.Error, match=r"pruned.json\] .*expected what powertrain prune wrote"):
        pt.load(tmp_path / "run")


def test_a_recipe_that_prunes_needs_weights() -> None:
    with pytest.raises(pt.Error, match="received it without weights"):
        pt.fit("digits", epochs=1, verbose=False, **{"model.prune.sparsity": 0.5})


def test_a_run_of_masked_weights_goes_on_after_a_stop(trained: Any, tmp_path: Path) -> None:
    asked = {"model.weights": str(trained.folder), "model.prune": {"sparsity": 0.8, "structured": False}}
    pt.fit("digits", epochs=1, folder=tmp_path / "run", verbose=False, **asked)
    done = pt.fit("digits", epochs=2, folder=tmp_path / "run", resume=True, verbose=False, **asked)
    weights = [np.asarray(one.weight) for one in done.model.modules() if isinstance(one, (pt.nn.Linear, pt.nn.Conv2d))]
    share = sum(int((one == 0).sum()) for one in weights) / sum(one.size for one in weights)
    assert share == pytest.approx(0.8, abs=0.001)


def test_channels_are_taken_away_through_a_batch_norm() -> None:
    draw = np.random.default_rng(0)
    model = pt.nn.Sequential(
        pt.nn.Conv2d(1, 8, 3, padding=1, bias=False), pt.nn.BatchNorm2d(8), pt.nn.ReLU(), pt.nn.Conv2d(8, 4, 3),
        pt.nn.Flatten(), pt.nn.Linear(4 * 36, 3),
    )  # fmt: skip
    x = draw.normal(size=(5, 8, 8, 1)).astype("float32")
    model(x)  # gives the norm its statistics
    mask(model, 0.5, structured=True)
    plain(model)
    model.eval()
    small, report = prune.shrink(model)
    assert small[0].out_channels == small[1].num_features == small[3].in_channels == 4
    assert report.units["0"] == (4, 8) and report.units["3"] == (2, 4)
    np.testing.assert_allclose(small(x).numpy(), model(x).numpy(), atol=1e-5)
    assert np.asarray(small[5].weight).any()  # the last layer stays whole


def test_a_model_without_layers_behind_each_other_is_refused() -> None:
    with pytest.raises(pt.Error, match="has no layer whose units can be taken away"):
        mask(pt.nn.Sequential(pt.nn.Linear(4, 2)), 0.5, structured=True)
