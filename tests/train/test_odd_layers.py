"""Layers that do not learn: gradients that vanish or explode, units that are dead. Each is named with its step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

import powertrain as pt
from powertrain.recipe.sections import Anomalies
from powertrain.train.anomalies.gradients import Norms, odd_layers
from powertrain.train.folder.run_folder import RunError
from powertrain.train.trained_run import TrainedRun
from running import inside

RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 8)).astype(np.float32)
Y = (X @ RNG.normal(size=(8, 1))).astype(np.float32)


def fit(model: Any, folder: Path, x: Any = X, lr: float = 1e-4, **anomalies: Any) -> TrainedRun:
    with mock.patch("powertrain.train.report.elements.charts_module", lambda: None):
        return pt.fit(
            model=model, data=(x, Y), optimizer={"use": "sgd", "lr": lr}, epochs=3, batch_size=16, validation=0.25,
            run={"anomalies": {"every": 10, **anomalies}}, report={"baseline": False, "worst": 0}, folder=folder,
            verbose=False,
        )  # fmt: skip


def deep(activation: Callable[[], Any]) -> Any:
    pt.random.seed(0)
    layers = [part for _ in range(12) for part in (pt.nn.Linear(8, 8), activation())]
    return pt.nn.Sequential(*layers, pt.nn.Linear(8, 1))


def test_a_vanishing_gradient_is_named_with_its_layer_and_step(tmp_path: Path) -> None:
    run = fit(deep(pt.nn.Sigmoid), tmp_path / "a", gradients="warn")
    found = [one for one in run.anomalies if one["kind"] == "vanishing gradient"]
    assert found and {one["at"] for one in found} <= {10, 20, 30}
    assert str(found[0]["what"]).startswith("the gradient of 0 is ")  # the first layer, farthest from the loss
    assert all("the gradient of 24 " not in str(one["what"]) for one in run.anomalies)  # the last one learns
    assert run.finished


def test_an_exploding_gradient_ends_the_run(tmp_path: Path) -> None:
    run = fit(pt.nn.Linear(8, 1), tmp_path / "a", 1e4 * X, 1e-12, gradients="stop")
    (found,) = run.anomalies
    assert (found["kind"], found["at"], found["done"]) == ("exploding gradient", 10, "the run ends")
    assert str(found["what"]).startswith("the gradient of model is ")
    assert not run.finished and run.stopped == f"exploding gradient at step 10: {found['what']}"


def test_an_error_of_a_later_step_does_not_name_what_was_noted(tmp_path: Path) -> None:
    """The loss overflows some steps before the gradients do."""
    with pytest.raises(pt.NonFiniteError) as caught:
        fit(pt.nn.Linear(8, 1), tmp_path / "a", 1e4 * X, 1e-4)
    assert "anomalies" not in str(caught.value)


def test_healthy_layers_are_not_told_of_and_learn_the_same_bits(tmp_path: Path) -> None:
    watched = fit(deep(pt.nn.Tanh), tmp_path / "a", gradients="warn", dead_units="warn")
    plain = fit(deep(pt.nn.Tanh), tmp_path / "b", gradients="off")
    assert watched.anomalies == []
    assert watched.results["hash"] == plain.results["hash"]
    ((_, program),) = watched.run.stepper._looks.values()
    assert program.traces == 1


def test_the_norms_are_those_of_the_mean_loss() -> None:
    """The gradient that is looked at is the one that the update gets, whatever its batch weighs."""
    layer, x, y = pt.nn.Linear(8, 1), X[:16], Y[:16]
    w, b = layer.weight.numpy().astype(np.float64).copy(), layer.bias.numpy().astype(np.float64).copy()
    seen: dict[str, Norms] = {}
    with mock.patch("powertrain.train.anomalies.watch.odd_layers", lambda norms, _: seen.update(norms) or []):
        run = {"anomalies": {"every": 1, "gradients": "warn"}}
        pt.fit(model=layer, data=(x, y), optimizer={"use": "sgd", "lr": 1e-4}, steps=1, batch_size=16, run=run,
               report={"baseline": False}, verbose=False)  # fmt: skip
    error = x @ w.reshape(-1, 1) + b - y
    gradient = 2 * x.T @ error / len(x)
    assert seen["weight"].gradient == pytest.approx(np.linalg.norm(gradient), rel=1e-4)
    assert seen["weight"].weight == pytest.approx(np.linalg.norm(w), rel=1e-6)
    assert seen["bias"].gradient == pytest.approx(abs(2 * error.mean()), rel=1e-4)


ANEW = """
from powertrain.plugin import Strategy


class Anew(Strategy):
    def step(self, t, batch):
        t.minimize(self.opt, self.loss(self.model(batch.x), batch.y), batch.weight)

    def round(self, run):
        run.loop(lambda t, batch: self.step(t, batch), self.data, 1)
"""


def test_a_step_that_each_round_makes_anew_is_refused_when_it_is_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("powertrain.train.run.compiled_steps.MOST_STEPS", 2)
    (tmp_path / "own.py").write_text(ANEW)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match=r"is function number 3 of this run; expected a few that stay the same"):
        pt.fit(model=pt.nn.Linear(8, 1), data=(X, Y), epochs=1, strategy="./own.py:Anew", trust=True, verbose=False,
               run={"anomalies": {"gradients": "warn", "every": 1}})  # fmt: skip


def test_layers_whose_weights_are_all_zero_have_no_ratio() -> None:
    norms = {
        "a.up": Norms(1.0, 0.0),
        "b.weight": Norms(0.0, 1.0),
        "b.bias": Norms(1e-9, 0.0),
        "weight": Norms(1.0, 1.0),
    }
    found = list(odd_layers(norms, Anomalies()))
    assert [(one.kind, one.layer) for one in found] == [("vanishing gradient", "b")]
    assert found[0].words == "the gradient of b is 1e-09 times its weights, and 1 in another layer"


def dying() -> Any:
    """A layer of 16 units of which 12 get nothing but what is far below zero."""
    pt.random.seed(0)
    model = pt.nn.Sequential(pt.nn.Linear(8, 16), pt.nn.ReLU(), pt.nn.Linear(16, 1))
    bias = np.zeros(16, np.float32)
    bias[:12] = -1e3
    model[0].bias.value = pt.tensor(bias)
    return model


def test_dead_units_need_a_part_to_be_dead_for() -> None:
    with pytest.raises(RunError) as caught:
        pt.fit(model=dying(), data=(X, Y), epochs=1, run={"anomalies": {"dead_units": "warn"}}, verbose=False)
    assert str(caught.value) == (
        "[run.anomalies.dead_units] the data has no valid part, for whose examples units are dead; expected one; for "
        "example split = { valid = 0.1 }"
    )


def test_a_plan_of_such_a_run_is_made(tmp_path: Path) -> None:
    watched = 'spike = "roll_back", not_finite = "skip", gradients = "warn", dead_units = "warn", every = 5'
    said = inside(
        ["plan", "digits", "--set", f"run.anomalies={{ {watched} }}", "--set", "run.until=1 epochs"], tmp_path
    )
    assert "parameters" in said.stdout


def test_each_call_of_a_rectifier_is_a_layer(tmp_path: Path) -> None:
    alive, relu = pt.nn.Linear(8, 16), pt.nn.ReLU()
    dead = pt.nn.Linear(16, 4)
    dead.bias.value = pt.full((4,), -1e3)
    run = fit(pt.nn.Sequential(alive, relu, dead, relu, pt.nn.Linear(4, 1)), tmp_path / "a", dead_units="warn")
    assert [one["what"] for one in run.anomalies] == [
        "4 of 4 units of model.1 (call 2) are zero for every example of valid"
    ]


class InParts(pt.nn.Module):
    """One rectifier in the step itself, and one in a part of it that has a trace of its own."""

    def __init__(self, part: Callable[[Any], Any]) -> None:
        super().__init__()
        self.first, self.dead, self.last = pt.nn.Linear(8, 8), pt.nn.Linear(8, 4), pt.nn.Linear(4, 1)
        self.dead.bias.value = pt.full((4,), -1e3)
        self.inner, self.relu, self.part = pt.nn.ReLU(), pt.nn.ReLU(), part

    def forward(self, x: pt.Tensor) -> pt.Tensor:
        hidden = self.part(lambda x: self.inner(self.first(x)))(x)
        return self.last(self.relu(self.dead(hidden)))


@pytest.mark.parametrize("part", [pt.checkpoint, pt.vmap])
def test_what_is_called_in_a_part_is_not_counted(tmp_path: Path, part: Callable[[Any], Any]) -> None:
    run = fit(InParts(part), tmp_path / "a", dead_units="warn", gradients="warn")
    assert [one["what"] for one in run.anomalies if one["kind"] == "dead units"] == [
        "4 of 4 units of model.relu are zero for every example of valid"
    ]


@pytest.mark.parametrize("policy", ["warn", "stop"])
def test_a_dying_network_is_named_with_its_layer_and_step(tmp_path: Path, policy: str) -> None:
    run = fit(dying(), tmp_path / "a", dead_units=policy)
    (found,) = run.anomalies
    assert found["kind"] == "dead units" and found["at"] == 12  # of the first evaluation
    assert found["what"] == "12 of 16 units of model.1 are zero for every example of valid"
    assert run.finished == (policy == "warn")


def test_few_dead_units_are_not_told_of_and_padding_is_no_example(tmp_path: Path) -> None:
    run = fit(dying(), tmp_path / "a", dead_units="warn", dead_share=0.8)
    assert run.anomalies == []
    assert run.run.watch._dead is not None
    assert run.run.watch._dead.count("valid", 10_000) == {"model.1": (12, 16)}
    assert run.run.watch._dead._program.traces == 1
    x = np.concatenate([X[:1] * 0, X])  # of one example the batch is padding but for one row
    model = run.model
    alive = (model[0](pt.tensor(x[:1])).numpy() > 0).sum()
    source = pt.data.TensorDataset(x[:1], Y[:1])
    run.run.dataset.splits["one"] = source
    dead, units = run.run.watch._dead.count("one", 10)["model.1"]
    assert units - dead == alive
