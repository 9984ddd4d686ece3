"""Calibrations and thresholds of examples that say little: of one class, all right, without weight, not finite."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.train.deciding.calibrations import METHODS
from powertrain.train.deciding.fitting import fitted
from powertrain.train.evaluate.calibration import probabilities


def model() -> pt.nn.Module:
    """Of one column: the second class has the odds e^(3 x)."""
    made = pt.nn.Linear(1, 2)
    made.weight.value = pt.asarray(np.array([[0.0, 3.0]], np.float32))
    made.bias.value = pt.asarray(np.zeros(2, np.float32))
    return made


def train(folder: Path, valid: tuple[Any, Any], **asked: Any) -> Any:
    """A run that learns nothing, with examples of its own to decide on."""
    x = np.linspace(-1, 1, 40, dtype=np.float32)[:, None]
    settings = {key: asked.pop(key) for key in ("sample_weight", "class_weight", "metrics") if key in asked}
    return pt.fit(
        model=model(), data=(x, (x[:, 0] > 0).astype(np.int64)), validation=valid, epochs=1, folder=folder,
        optimizer={"use": "sgd", "lr": 1e-12}, verbose=False, evaluate=asked, report={"baseline": False}, **settings,
    )  # fmt: skip


def column(*values: float) -> Any:
    return np.array(values, np.float32)[:, None]


@pytest.mark.parametrize("classes", [2, 3])
def test_a_temperature_stays_one_where_every_answer_is_right(classes: int) -> None:
    truth = np.arange(30) % classes
    outputs = 4 * np.eye(classes)[truth] + np.random.default_rng(0).random((30, classes))
    assert fitted("temperature", outputs, truth).temperature == 1.0
    outputs[0] = np.roll(outputs[0], 1)  # one is wrong: then there is a best one
    assert 0.2 < fitted("temperature", outputs, truth).temperature < 10


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [1, 2, 50])
def test_calibrations_of_a_few_examples_or_of_one_class_are_numbers(method: str, count: int) -> None:
    draw = np.random.default_rng(count)
    for scale in (0.0, 1.0, 1e4, 1e30):  # 0: all outputs are equal
        outputs = (scale * draw.normal(size=(count, 3))).astype(np.float32)
        for truth in (np.zeros(count, np.int64), np.arange(count) % 3):
            shares = probabilities(fitted(method, outputs, truth)(outputs))
            assert np.isfinite(shares).all() and np.allclose(shares.sum(axis=1), 1)


@pytest.mark.parametrize("method", METHODS)
def test_a_class_without_examples_is_named(method: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = train(tmp_path / "run", (column(*np.linspace(0.1, 1, 20)), np.ones(20, np.int64)), calibrate=method)
    assert "valid has no example of 0; expected some of each class" in capsys.readouterr().err
    assert np.isfinite(done.predict(column(-1, 0, 1)).probabilities).all()


@pytest.mark.parametrize("asked", [{"metric": "recall"}, {"metric": "kappa"}, {"metric": "mcc"}, {"cost": 3.0}])
@pytest.mark.parametrize("only", [0, 1])
def test_no_threshold_is_chosen_by_one_class_alone(
    asked: dict[str, Any], only: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = train(tmp_path / "run", (column(*np.linspace(-1, 1, 20)), np.full(20, only)), threshold=asked)
    assert f"valid has examples of {only} alone; expected both classes" in capsys.readouterr().err
    assert done.run.evaluations.decision.threshold is None and "decision" not in done.results
    assert not (tmp_path / "run" / "decision.json").exists()
    assert done.predict(column(-1, 1)).labels.tolist() == [0, 1]


@pytest.mark.parametrize(("cost", "answer"), [(0.001, 0), (1000.0, 1)])
def test_the_cheapest_may_be_to_answer_one_class_always(cost: float, answer: int, tmp_path: Path) -> None:
    x = column(*np.linspace(-1, 1, 20))
    y = np.arange(20) % 2
    y[[0, -1]] = 1, 0  # the lowest is of the second class, the highest of the first
    done = train(tmp_path / "run", (x, y), threshold={"cost": cost})
    found = done.results["decision"]["threshold"]
    assert 0 < found["value"] < 1 and found["best"] == pytest.approx((cost if answer == 0 else 1.0) * 0.5)
    assert (done.predict(x).labels == answer).all()


@pytest.mark.filterwarnings("ignore:Precision is ill-defined")  # where no example is answered with the second class
@pytest.mark.parametrize("metric", ["f1", "precision", "recall", "accuracy", "balanced-accuracy", "mcc", "kappa"])
def test_the_best_that_is_said_is_what_the_run_reaches(metric: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    x = draw.normal(size=(300, 1)).astype(np.float32)
    y = (draw.random(300) < 1 / (1 + np.exp(2 - 3 * x[:, 0]))).astype(np.int64)
    done = train(tmp_path / "run", (x, y), threshold={"metric": metric})
    found, said = done.results["decision"]["threshold"], done.predict(x).labels
    metrics: Any = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    theirs = {
        "f1": metrics.f1_score, "precision": metrics.precision_score, "recall": metrics.recall_score,
        "accuracy": metrics.accuracy_score, "balanced-accuracy": metrics.balanced_accuracy_score,
        "mcc": metrics.matthews_corrcoef, "kappa": metrics.cohen_kappa_score,
    }  # fmt: skip
    assert found["best"] == pytest.approx(theirs[metric](y, said)) and found["best"] >= found["usual"]
    apart = 3 * x[:, 0]
    every = [theirs[metric](y, apart >= one) for one in [*(np.sort(apart) - 1e-4), np.inf]]
    assert found["best"] == pytest.approx(max(every))


def weighted(folder: Path, weight: Any, **asked: Any) -> Any:
    draw = np.random.default_rng(2)
    x = draw.normal(size=(400, 1)).astype(np.float32)
    y = (draw.random(400) < 1 / (1 + np.exp(1 - x[:, 0]))).astype(np.int64)
    return pt.fit(
        model=model(), data=(x, y), validation=0.5, epochs=1, folder=folder, optimizer={"use": "sgd", "lr": 1e-12},
        verbose=False, sample_weight=weight(x[:, 0]), evaluate={"metrics": ["brier"], **asked},
        report={"baseline": False},
    )  # fmt: skip


def test_an_example_counts_once_however_much_it_weighs(tmp_path: Path) -> None:
    asked = {"calibrate": "platt", "threshold": {"metric": "f1"}}
    made = [
        weighted(tmp_path / name, weight, **asked).results["decision"]
        for name, weight in (("a", np.ones_like), ("b", lambda x: 1 + x**2))
    ]
    one, other = (found["calibration"]["valid"]["after"] for found in made)
    assert one == pytest.approx(other, rel=1e-6)
    assert made[0]["threshold"]["value"] == pytest.approx(made[1]["threshold"]["value"], rel=1e-6)


def test_examples_of_weight_zero_are_left_out(tmp_path: Path) -> None:
    done = weighted(tmp_path / "a", lambda x: (x > 0).astype(float), calibrate="platt")
    found = done.results["decision"]
    assert 60 < found["examples"] < 140
    assert found["calibration"]["valid"]["after"]["brier"] == pytest.approx(done.results["valid"]["brier"])


@pytest.mark.parametrize("asked", [{"calibrate": "platt"}, {"calibrate": "temperature"}, {"threshold": {"cost": 2.0}}])
def test_outputs_that_are_not_finite_leave_the_run_as_it_is(
    asked: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = column(*np.linspace(-1, 1, 19), 3e38)  # whose output is infinite in float32
    done = train(tmp_path / "run", (x, np.arange(20) % 2), metrics=["accuracy"], **asked)
    assert "no calibration and no threshold, since some of its outputs are not finite" in capsys.readouterr().err
    assert done.finished and "decision" not in done.results
    assert done.predict(column(-1, 1)).labels.tolist() == [0, 1]


def test_a_threshold_that_is_given_needs_no_validation_part(tmp_path: Path) -> None:
    x = np.linspace(-1, 1, 40, dtype=np.float32)[:, None]
    done = pt.fit(
        model=model(), data=(x, (x[:, 0] > 0).astype(np.int64)), epochs=1, folder=tmp_path / "run", verbose=False,
        optimizer={"use": "sgd", "lr": 1e-12}, evaluate={"threshold": {"value": 0.9}},
    )  # fmt: skip
    said = pt.load(tmp_path / "run", model=model()).predict(x)
    assert (said.labels == (said.probabilities[:, 1] >= 0.9)).all() and 0 < said.labels.sum() < 20
    assert json.loads((tmp_path / "run" / "decision.json").read_text())["threshold"] == 0.9
    assert done.results["decision"] == {"threshold": {"label": "1", "value": 0.9}}


@pytest.mark.parametrize("asked", [{"cost": math.inf}, {"cost": math.nan}, {"cost": 0.0}, {"value": 0.0},
                                   {"value": 1.0}, {"value": math.nan}])  # fmt: skip
def test_thresholds_without_sense_are_refused(asked: dict[str, float], tmp_path: Path) -> None:
    with pytest.raises(pt.Error, match=r"evaluate\.threshold"):
        train(tmp_path / "run", (column(-1, 1), np.arange(2)), threshold=asked)
    assert not (tmp_path / "run").exists()
