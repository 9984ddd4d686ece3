"""Whole federated runs: what a round computes, resume, the report, and what is refused."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin.testing import killed_and_resumed, powertrain
from powertrain.train.display import display
from powertrain_federated.averaging import Average
from powertrain_federated.errors import FederatedError

RECIPE: dict[str, Any] = {
    "data": {"use": "digits", "split": {"valid": 0.1, "test": 0.2}},
    "features": [{"use": "scale", "by": 0.0625}],
    "model": {"use": "mlp", "hidden": [16]},
    "strategy": {"use": "federated", "clients": 5, "fraction": 0.6, "epochs": 2, "partition": "dirichlet"},
    "optimizer": {"use": "sgd", "lr": 0.1, "momentum": 0.9},
    "run": {"until": "2 rounds", "batch_size": 32},
    "report": {"baseline": False},
}
TOML = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2 } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "cnn", channels = [4], dropout = 0.2 }
strategy  = { use = "federated", clients = 6, fraction = 0.5, partition = "sorted", proximal = 0.1, decay = 0.9 }
optimizer = { use = "adamw", lr = 1e-2 }
run       = { until = "8 rounds", batch_size = 32, evaluate = { every = "1 round" }, save_seconds = 0 }
report    = { baseline = false }
"""


def fitted(folder: Path, **more: Any) -> Any:
    return pt.fit({**RECIPE, **more}, verbose=False, folder=folder)


def weights(run: Any) -> dict[str, Any]:
    return {path: np.array(slot.numpy()) for path, slot in run.run.table.modules["model"].named_parameters()}


def test_every_plugin_keeps_its_promises(tmp_path: Path) -> None:
    powertrain("plugins", "check", "powertrain-federated", "--seconds", "300", folder=tmp_path)


@pytest.mark.parametrize("proximal", [0.0, 0.5])
def test_a_round_is_the_mean_of_clients_that_train_by_themselves(tmp_path: Path, proximal: float) -> None:
    """Against NumPy: a linear model, whole batches, steps of gradient descent."""
    strategy = {"use": "federated", "clients": 3, "epochs": 4, "partition": "sorted", "proximal": proximal}
    run = fitted(tmp_path / "run", model="linear", strategy=strategy, optimizer={"use": "sgd", "lr": 0.2},
                 run={"until": "2 rounds", "batch_size": 2000})  # fmt: skip
    begun = weights(fitted(tmp_path / "begun", model="linear", strategy=strategy, run={"until": "1 round"},
                           optimizer={"use": "sgd", "lr": 1e-30}))  # fmt: skip
    (w, b), names = (np.float64(value) for value in begun.values()), list(begun)
    fields = run.run.data("train").rows()
    x, y = np.float64(fields["x"]).reshape(len(fields["x"]), -1), np.eye(10)[fields["y"]]
    for _ in range(2):
        made = []
        for rows in run.run.strategy.rows:
            own_w, own_b = w, b
            for _ in range(4):
                scores = np.exp(x[rows] @ own_w + own_b)
                wrong = (scores / scores.sum(axis=1, keepdims=True) - y[rows]) / len(rows)
                step_w, step_b = x[rows].T @ wrong, wrong.sum(axis=0)
                own_w, own_b = (own_w - 0.2 * (step_w + proximal * (own_w - w)),
                                own_b - 0.2 * (step_b + proximal * (own_b - b)))  # fmt: skip
            made.append((len(rows), own_w, own_b))
        total = sum(count for count, _, _ in made)
        w = sum(count * one for count, one, _ in made) / total
        b = sum(count * one for count, _, one in made) / total
    found = weights(run)
    np.testing.assert_allclose(found[names[0]], w, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[names[1]], b, rtol=1e-4, atol=1e-5)


def test_averages_weigh_by_examples_and_keep_what_nobody_changes() -> None:
    model = pt.nn.BatchNorm1d(2, momentum=None)
    model.weight.value = pt.tensor(np.array([0.1, 0.7], "f"))
    average = Average(model)
    for examples, mean, batches in ((1, 4.0, 5), (3, 8.0, 9)):
        model.running_mean.value = pt.tensor(np.array([mean, 0.0], "f"))
        model.num_batches_tracked.value = pt.tensor(np.int64(batches))
        average.add(examples)
    average.take()
    assert model.running_mean.numpy().tolist() == [7.0, 0.0]
    assert model.weight.numpy().tobytes() == np.array([0.1, 0.7], "f").tobytes()
    assert model.num_batches_tracked.value.item() == 5  # as with the first client


def test_some_clients_take_part_in_a_round_and_others_in_the_next(tmp_path: Path) -> None:
    run = fitted(tmp_path / "run")
    strategy = run.run.strategy
    taking = [strategy.chosen(number) for number in range(20)]
    assert all(len(set(chosen)) == 3 for chosen in taking)
    assert len({tuple(chosen) for chosen in taking}) > 3 and set().union(*taking) == set(range(5))
    examples = sum(len(strategy.rows[client]) for chosen in taking[:2] for client in chosen)
    assert run.run.progress.examples == 2 * examples


def test_a_killed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    killed_and_resumed(TOML, tmp_path, after="round 3/")


def test_the_rate_shrinks_after_each_round(tmp_path: Path) -> None:
    run = fitted(tmp_path / "run", strategy={**RECIPE["strategy"], "decay": 0.5})
    assert run.run.table.optimizers["model"].lr.item() == 0.1 * 0.25


def test_an_epoch_is_as_many_examples_as_all_clients_have(tmp_path: Path) -> None:
    run = fitted(tmp_path / "run", run={"until": "3 epochs", "batch_size": 32})
    progress, count = run.run.progress, len(run.run.dataset.train)
    assert progress.epochs == 3 and 3 * count <= progress.examples < 6 * count


def test_the_report_says_who_had_what_and_how_much_was_sent(tmp_path: Path) -> None:
    run = fitted(tmp_path / "run")
    (page,) = run.run.strategy.sections(run.run)
    numbers = 64 * 16 + 16 + 16 * 10 + 10
    assert page.lines[0] == "3 of 5 clients took part in each of 2 rounds."
    assert page.lines[1].startswith(f"Each of them would get and send {4 * numbers / 1e6:.2f} MB in a round")
    head, *table = page.rows
    assert head == ("client", "examples", "largest classes")
    assert [int(examples) for _, examples, _ in table] == [len(rows) for rows in run.run.strategy.rows]
    assert all(classes.endswith("%") for _, _, classes in table)
    assert "Clients" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert pt.load(tmp_path / "run").predict(np.zeros((2, 8, 8), "f")).outputs.shape == (2, 10)


SCHEDULE = (
    "[federated] the optimizer has a schedule; expected none, since the optimizer of a client starts afresh in each "
    "round; leave it out, and write strategy.decay, a factor on the rate after each round"
)
HELD = (
    "[federated] the optimizer accumulates 4 batches; expected an update for each batch, since what a client still "
    "holds at the end of its turn would be lost; give a larger run.batch_size"
)
MANY = (
    "[federated] 1,258 training examples for 2,000 clients; expected 2,000 or more, so that each has some; give fewer "
    "clients"
)
NUMBERS = (
    '[federated] partition = "dirichlet" in a regression task; expected classification, whose classes it divides; '
    'write partition = "even"'
)


@pytest.mark.parametrize(("setting", "said"), [({"schedule": "cosine"}, SCHEDULE), ({"accumulate": 4}, HELD)])
def test_settings_of_the_optimizer_that_outlast_a_turn_are_refused(tmp_path: Path, setting: Any, said: str) -> None:
    with pytest.raises(FederatedError) as caught:
        fitted(tmp_path, optimizer={"use": "sgd", "lr": 0.1, **setting})
    assert str(caught.value) == said


def test_too_many_clients_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FederatedError) as caught:
        fitted(tmp_path / "many", strategy={"use": "federated", "clients": 2000})
    assert str(caught.value) == MANY


def test_numbers_cannot_be_divided_by_class(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(50, 3)).astype("f")
    settings = {"data": (x, x[:, 0]), "loss": "mse", "optimizer": {"use": "sgd", "lr": 0.1}, "verbose": False}
    model, run = pt.nn.Linear(3, 1), {"until": "1 round", "batch_size": 10}
    with pytest.raises(FederatedError) as caught:
        pt.fit(model=model, strategy=RECIPE["strategy"], run=run, folder=tmp_path / "run", **settings)
    assert str(caught.value) == NUMBERS
    pt.fit(model=model, strategy={"use": "federated", "clients": 5}, run=run, folder=tmp_path / "even", **settings)


def test_what_is_left_is_counted_in_rounds(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    seconds = itertools.count()
    monkeypatch.setattr(display, "time", SimpleNamespace(monotonic=lambda: float(next(seconds))))
    run = {"until": "6 rounds", "batch_size": 32, "evaluate": {"every": "1 round"}}
    pt.fit({**RECIPE, "run": run}, folder=tmp_path / "run")
    left = [int(found) for found in re.findall(r"eta (\d+) s", capsys.readouterr().out)]
    assert len(left) >= 4 and left[-1] == 0
    # A round takes a second or more here, and several steps.
    assert all(now >= rounds for rounds, now in enumerate(reversed(left)))


def test_windows_of_a_text_cannot_be_divided(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("so it goes on and on, " * 100, encoding="utf-8")
    tables = {
        "data": {"use": "text", "path": str(tmp_path / "text.txt"), "context": 8, "valid": 0.2},
        "model": {"use": "gpt", "layers": 1, "heads": 2, "width": 8},
        "strategy": {"use": "federated", "clients": 2},
        "optimizer": {"use": "sgd", "lr": 0.1},
        "run": {"until": "1 round", "batch_size": 4},
    }
    with pytest.raises(FederatedError) as caught:
        pt.fit(tables, verbose=False, folder=tmp_path / "run")
    assert str(caught.value).endswith(
        " is a stream, or windows of one text; expected examples that can be divided among clients; give the data set "
        "a length, or split the text into examples"
    )


def test_a_loss_of_a_whole_batch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FederatedError) as caught:
        fitted(tmp_path / "run", loss=lambda output, y: pt.mean(output))
    assert str(caught.value) == (
        "[federated] the loss is one number for a batch; expected one value per example, since the last batch of a "
        "client is filled up; leave the mean out of the loss"
    )
