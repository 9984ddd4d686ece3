"""Calibration and threshold of a classifier: fitted on valid, kept in the run, and used by whatever answers."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.cli import main
from powertrain.recipe.sections import EvaluateSection
from powertrain.train.deciding.calibrations import METHODS, log_odds
from powertrain.train.deciding.decision import Decision
from powertrain.train.deciding.fitting import fitted, isotonic
from powertrain.train.evaluate.calibration import held, probabilities

TRUE = np.array([1.5, -1.0, 0.5])  # what the odds of the second class hang on


def examples(count: int, seed: int) -> tuple[Any, Any]:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(count, 3)).astype(np.float32)
    return x, (draw.random(count) < 1 / (1 + np.exp(2.0 - x @ TRUE))).astype(np.int64)


def too_sure() -> pt.nn.Module:
    """A model whose logits are four times too large, and one too high."""
    model = pt.nn.Linear(3, 2)
    model.weight.value = pt.asarray(np.stack([np.zeros(3), 4 * TRUE], axis=1).astype(np.float32))
    model.bias.value = pt.asarray(np.array([0.0, -7.0], np.float32))
    return model


def trained(folder: Path, **asked: Any) -> Any:
    return pt.fit(
        model=too_sure(), data=examples(3000, 0), validation=0.4, epochs=1, optimizer={"use": "sgd", "lr": 1e-12},
        folder=folder, verbose=False, evaluate={"metrics": ["accuracy", "f1", "log-loss", "brier"], **asked},
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("decisions") / "run"
    return trained(folder, calibrate="platt", threshold={"metric": "f1"})


def test_a_recipe_knows_the_methods_that_there_are() -> None:
    field = EvaluateSection.__dataclass_fields__["calibrate"]
    (limits,) = field.metadata.values()
    assert set(limits.choices) == {"none", *METHODS}


def test_platt_finds_the_slope_and_the_intercept_that_the_odds_have(run: Any) -> None:
    made = run.run.evaluations.decision.calibration
    assert made.slopes[1] == pytest.approx(0.25, abs=0.04) and made.intercepts[1] == pytest.approx(-0.25, abs=0.2)
    # The two classes are each other's mirror, so their shares add up to 1 before they are brought to it.
    assert made.slopes[0] == pytest.approx(made.slopes[1], rel=1e-6)
    assert made.intercepts[0] == pytest.approx(-made.intercepts[1], rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_hold_better_on_examples_that_were_not_fitted_on(method: str) -> None:
    (x, y), (x_new, y_new) = examples(2000, 1), examples(2000, 2)
    model = too_sure()
    before = np.asarray(model(x_new))
    made = fitted(method, np.asarray(model(x)), y)
    after = made(before)
    assert after.dtype == np.float32 and np.isfinite(after).all()
    errors = [held(probabilities(one), y_new).error for one in (before, after)]
    # One number takes the factor away, not the shift.
    assert errors[1] < (0.8 if method == "temperature" else 0.4) * errors[0]


@pytest.mark.parametrize("method", METHODS)
def test_tensors_are_calibrated_as_arrays_are(method: str) -> None:
    draw = np.random.default_rng(3)
    logits = draw.normal(size=(300, 4)).astype(np.float32) * 6
    made = fitted(method, logits, draw.integers(0, 4, 300))
    found = made(pt.asarray(logits))
    assert isinstance(found, pt.Tensor) and found.dtype == pt.float32
    np.testing.assert_allclose(found.numpy(), made(logits), rtol=1e-5, atol=1e-5)


def test_log_odds_keep_their_digits_where_the_probability_is_near_one() -> None:
    logits = np.array([[0.0, 60.0], [700.0, 0.0], [0.0, 0.0]])
    np.testing.assert_array_equal(log_odds(logits), [[-60, 60], [690.7755278982137, -700], [0, 0]])


def test_isotonic_lines_are_those_of_scikit_learn() -> None:
    sk = pytest.importorskip("sklearn.isotonic", reason="scikit-learn is not installed")
    draw = np.random.default_rng(4)
    scores = draw.normal(size=500).round(1)  # many are equal
    own = draw.random(500) < 1 / (1 + np.exp(-scores))
    other = sk.IsotonicRegression(out_of_bounds="clip").fit(scores, own)
    x, y = isotonic(scores, own)
    new = np.linspace(-5, 5, 997)
    np.testing.assert_allclose(np.interp(new, x, y), other.predict(new), atol=1e-12)


@pytest.mark.parametrize(
    ("method", "theirs"), [("temperature", "temperature"), ("platt", "sigmoid"), ("isotonic",) * 2]
)
@pytest.mark.parametrize("classes", [2, 4])
def test_calibrations_are_those_of_scikit_learn(method: str, theirs: str, classes: int) -> None:
    calibration = pytest.importorskip("sklearn.calibration", reason="scikit-learn is not installed")
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.frozen import FrozenEstimator

    class Given(ClassifierMixin, BaseEstimator):
        """The scores that it is asked about, as they are calibrated by scikit-learn: of two classes one column."""

        classes_ = np.arange(classes)

        def fit(self, x: Any, y: Any) -> Given:
            return self

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, x: Any) -> Any:
            return x.argmax(axis=1)

        def decision_function(self, x: Any) -> Any:
            scores = x if method == "temperature" else log_odds(x)
            return (x[:, 1] - x[:, 0]) if classes == 2 else scores

    draw = np.random.default_rng(5)
    logits = 3 * draw.normal(size=(600, classes))
    truth = np.array([draw.choice(classes, p=row) for row in probabilities(logits / 2)])
    fitted_to, asked = logits[:400], logits[400:]
    other = calibration.CalibratedClassifierCV(FrozenEstimator(Given()), method=theirs).fit(fitted_to, truth[:400])
    ours = probabilities(fitted(method, fitted_to, truth[:400])(asked))
    np.testing.assert_allclose(ours, other.predict_proba(asked), atol=2e-4)


def test_the_run_says_what_its_calibration_and_threshold_changed(run: Any) -> None:
    found = run.results["decision"]
    before, after = (found["calibration"]["valid"][when] for when in ("before", "after"))
    assert found["calibration"]["method"] == "platt" and found["part"] == "valid" and found["examples"] == 1200
    assert after["ece"] < before["ece"] / 2 and after["brier"] < before["brier"]
    assert after["brier"] == pytest.approx(run.results["valid"]["brier"], rel=1e-9)
    assert after["log_loss"] == pytest.approx(run.results["valid"]["log-loss"], rel=1e-9)
    threshold = found["threshold"]
    assert 0 < threshold["value"] < 0.5 and threshold["best"] > threshold["usual"]
    for page in (run.report().read_text(), run.card().read_text()):
        assert "by Platt's sigmoid, fitted on 1,200 examples of valid" in page.replace("&#x27;", "'")
        assert f"from a probability of {threshold['value']:.3f} on, chosen on valid by f1" in page


def test_answers_and_measures_go_by_the_threshold(run: Any) -> None:
    x, y = examples(500, 6)
    said = run.predict(x)
    threshold = run.results["decision"]["threshold"]["value"]
    chosen = (said.probabilities[:, 1] >= threshold).astype(int)
    assert chosen.sum() > 0 and (chosen != said.outputs.argmax(axis=1)).any()
    assert said.labels.tolist() == chosen.tolist()  # the classes are 0 and 1
    assert said.table()["label"] == [said.classes[at] for at in chosen] == [row["label"] for row in said]
    own = said.probabilities[np.arange(500), chosen]
    np.testing.assert_allclose(said.table()["probability"], own)
    assert said[3]["probability"] == pytest.approx(own[3], abs=1e-6)
    assert said[3:5].labels.tolist() == said.labels[3:5].tolist()
    assert run.evaluate((x, y))["accuracy"] == pytest.approx((chosen == y).mean(), rel=1e-12)
    # Probabilities are not moved by it.
    assert run.evaluate((x, y))["brier"] == pytest.approx(np.square(said.probabilities[:, 1] - y).mean(), rel=1e-6)


def test_a_run_that_moved_answers_the_same_without_its_data(run: Any, tmp_path: Path) -> None:
    shutil.copytree(run.folder, tmp_path / "moved")
    again = pt.load(tmp_path / "moved", model=too_sure())
    x, _ = examples(50, 7)
    np.testing.assert_array_equal(again.predict(x).outputs, run.predict(x).outputs)
    assert again.predict(x).labels.tolist() == run.predict(x).labels.tolist()
    assert again.profile.threshold == run.results["decision"]["threshold"]["value"]
    assert pt.monitor.Profile.from_json(again.profile.to_json()) == again.profile


def test_a_monitor_scores_the_answers_that_were_given(run: Any) -> None:
    x, y = examples(400, 8)
    pairs: list[Any] = []
    monitor, said = pt.monitor.Monitor(run.profile, window=400), run.predict(x)
    monitor.on_labels = pairs.extend
    monitor.observe(x, said, ids=list(range(400)))
    monitor.label(list(range(400)), y.tolist())
    assert [given == label for given, label in pairs] == (said.labels == y).tolist()
    assert run.profile.scores.mean == pytest.approx(run.results["valid"]["accuracy"])


@pytest.mark.parametrize("cost", [0.2, 9.0])
def test_errors_of_unequal_cost_move_the_threshold(tmp_path: Path, cost: float) -> None:
    done = trained(tmp_path / "run", calibrate="platt", threshold={"cost": cost})
    value = done.results["decision"]["threshold"]["value"]
    # Of probabilities that hold, the best threshold is the price of a false alarm as a share of both.
    assert value == pytest.approx(1 / (1 + cost), abs=0.12)
    assert done.results["decision"]["threshold"]["best"] <= done.results["decision"]["threshold"]["usual"]


def test_a_threshold_may_be_given(tmp_path: Path) -> None:
    done = trained(tmp_path / "run", threshold={"value": 0.9})
    x, _ = examples(200, 9)
    said = done.predict(x)
    assert (said.labels == (said.probabilities[:, 1] >= 0.9)).all()
    assert "calibration" not in done.results["decision"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("to", ["c", "safetensors"])
def test_exports_answer_with_the_calibration_and_the_threshold(method: str, to: str, tmp_path: Path) -> None:
    done = trained(tmp_path / "run", calibrate=method, threshold={"value": 0.3})
    made = done.export(to, tmp_path / "made")
    assert made.difference <= made.allowed
    margin = repr(math.log(0.3) - math.log1p(-0.3))[:8]
    if to == "c":
        assert "1 from a probability of 0.3 on, else 0" in made.path.read_text() and margin in made.path.read_text()
    else:
        assert margin in (made.path / "model.py").read_text()
        about = json.loads((made.path / "model.json").read_text())
        assert (about["calibration"], about["threshold"]) == (method, 0.3)


@pytest.mark.peers
def test_the_code_for_pytorch_chooses_the_same_classes(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from powertrain.builtin.exporters.loading import module_of

    done = trained(tmp_path / "run", calibrate="isotonic", threshold={"metric": "balanced-accuracy"})
    made = done.export("safetensors", tmp_path / "made")
    module = module_of(made.path / "model.py", "exported_decision")
    x, _ = examples(300, 10)
    said = done.predict(x)
    assert (module.classes(module.predict(x)) == said.labels).mean() > 0.99


def test_a_wheel_holds_the_calibration(tmp_path: Path) -> None:
    done = pt.fit("digits", epochs=2, folder=tmp_path / "digits-1", verbose=False, **{"evaluate.calibrate": "isotonic"})
    assert {"valid", "test"} <= set(done.results["decision"]["calibration"])
    made = done.export("wheel", tmp_path)
    assert made.examples == 359 and made.difference <= made.allowed
    raw = pt.load(done.folder)
    raw.run.evaluations.decide(Decision())
    x = np.random.default_rng(0).integers(0, 17, (9, 8, 8)).astype("float32")
    assert np.abs(raw.predict(x).outputs - done.predict(x).outputs).max() > 0.01


def test_a_quantized_copy_keeps_it_and_its_wheel_is_whole(tmp_path: Path) -> None:
    done = pt.fit(
        "digits", epochs=2, folder=tmp_path / "digits-1", verbose=False, **{"evaluate.calibrate": "temperature"}
    )
    small = done.quantize(folder=tmp_path / "digits-small").run
    assert small.run.evaluations.decision == done.run.evaluations.decision
    made = small.export("wheel", tmp_path)
    assert made.difference <= made.allowed


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"threshold": {"metric": "brier"}}, "received brier, which no threshold changes"),
        ({"threshold": {"metric": "f2"}}, r"\[evaluate.threshold.metric\]"),
        ({"threshold": {}}, "received none of metric, cost and value; expected one of them"),
        ({"threshold": {"metric": "f1", "cost": 2.0}}, "received metric and cost; expected one of them"),
        ({"calibrate": "beta"}, "'beta'|\"beta\"|beta"),
    ],
)
def test_what_cannot_be_fitted_is_said_before_training(asked: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(pt.Error, match=message):
        trained(tmp_path / "run", **asked)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"evaluate": {"calibrate": "platt"}, "validation": 0.0}, "the data has no valid part to fit it on"),
        ({"evaluate": {"threshold": {"value": 0.3}}, "outputs": 3}, "received it for 3 classes; expected two"),
        ({"evaluate": {"calibrate": "temperature"}, "loss": "squared-hinge"}, "for a loss that gives scores"),
        ({"evaluate": {"threshold": {"value": 0.3}}, "loss": "squared-hinge"}, "add calibrate = \"platt\""),
        ({"evaluate": {"calibrate": "platt"}, "outputs": 0}, "whose answers are no classes of examples"),
    ],
)  # fmt: skip
def test_runs_that_it_does_not_suit_are_refused(settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    draw, outputs = np.random.default_rng(0), settings.get("outputs", 2)
    x = draw.normal(size=(60, 3)).astype(np.float32)
    y = np.arange(60) % outputs if outputs else x[:, 0]
    given: dict[str, Any] = {"validation": 0.2, **settings}
    given.pop("outputs", None)
    with pytest.raises(pt.Error, match=message):
        pt.fit(
            model=pt.nn.Linear(3, outputs or 1), data=(x, y), epochs=1, folder=tmp_path / "run", verbose=False, **given
        )


@pytest.mark.parametrize(
    "change",
    [
        {"calibration": {"method": "no"}}, {"calibration": {"method": "platt", "slopes": [1], "intercepts": [0]}},
        {"calibration": {"method": "temperature", "temperature": -1}}, {"threshold": 2}, {"threshold": "high"},
        {"calibration": {"method": "isotonic", "corners": [[0, 0], [1]], "shares": [[0, 1], [1]]}},
        {"calibration": {"method": "isotonic", "corners": [[], []], "shares": [[], []]}}, {"calibration": 3},
        {"calibration": {"method": "platt", "slopes": ["nan", 1], "intercepts": [0, 0]}}, {"rounds": "two"},
    ],
)  # fmt: skip
def test_a_file_that_says_something_else_is_refused(run: Any, tmp_path: Path, change: dict[str, Any]) -> None:
    shutil.copytree(run.folder, tmp_path / "run")
    file = tmp_path / "run" / "decision.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(pt.Error, match=r"decision.json\] .*expected what powertrain train wrote"):
        pt.load(tmp_path / "run", model=too_sure())


def test_weights_that_it_was_not_fitted_to_answer_without_it(
    run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run.folder, tmp_path / "run")
    file = tmp_path / "run" / "decision.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "rounds": 77}))
    again = pt.load(tmp_path / "run", model=too_sure())
    assert not again.run.evaluations.decision
    assert "it answers without calibration and threshold" in capsys.readouterr().err


def test_the_command_line_says_what_was_decided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    asked = ["--set", 'evaluate.calibrate="temperature"', "--set", 'run.until="1 epoch"']
    assert main(["train", "digits", *asked, "--run", str(folder)]) in (0, 1)
    assert "decide Its probabilities are corrected by temperature scaling by" in capsys.readouterr().out
    results = json.loads((folder / "results.json").read_text())
    assert main(["evaluate", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test"] == results["test"]
