"""A step on a GPU that makes a number which is not finite, or reads past an axis, changes nothing, says what the CPU
says, and the next one goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.devices import loading
from running import SMALL, run
from simulated_gpu import SETTINGS, built, simulated_gpus

GPU = simulated_gpus()[0]
DEVICES = ("cpu", GPU)
GOOD = np.abs(np.random.default_rng(0).normal(size=(9, 8, 6))).astype(np.float32) + 0.5
LABELS = np.random.default_rng(1).integers(0, 6, (9, 8))


class Guarded:
    """A training whose step makes a NaN of inputs below 0, and has labels among 6."""

    def __init__(self, device: str, compiled: bool) -> None:
        with pt.device(device):
            self.weight = pt.Slot(pt.tensor(np.linspace(0.5, 1.5, 6, dtype=np.float32)), "weight", trainable=True)
            self.seen = pt.Slot(pt.tensor(0.0), "seen")
            self.optimizer = pt.optim.AdamW([self.weight], lr=0.1)
        self.device = device
        self.step = pt.compile(self.one) if compiled else self.one

    def one(self, x: Any, labels: Any) -> Any:
        loss, grads = pt.nn.value_and_grad([self.weight], lambda: self.loss(x, labels))()
        self.optimizer.update(grads)
        return loss

    def loss(self, x: Any, labels: Any) -> Any:
        loss = F.cross_entropy(pt.log(x * self.weight.value) * self.weight.value, labels)
        self.seen.value = self.seen.value + 1.0
        return loss

    def __call__(self, x: Any, labels: Any) -> float:
        return float(self.step(*(pt.asarray(part).to(self.device) for part in (x, labels))))

    def numbers(self) -> bytes:
        state = [self.weight, self.seen, *self.optimizer.state_dict().values()]
        return b"".join(np.asarray(getattr(value, "value", value)).tobytes() for value in state)


def refused(guarded: Guarded, kind: type[Exception], x: Any, labels: Any) -> str:
    before = guarded.numbers()
    with pytest.raises(kind) as error:
        guarded(x, labels)
    assert guarded.numbers() == before
    return str(error.value)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("after", [0, 1, 4])  # launch by launch, recorded, and played
@pytest.mark.parametrize(
    ("kind", "x", "labels"),
    [(pt.NonFiniteError, -GOOD[8], LABELS[8]), (pt.IndexError, GOOD[8], np.where(LABELS[8] > 2, 6, LABELS[8]))],
    ids=["number", "label"],
)
def test_a_tripped_step_changes_nothing_and_training_goes_on(
    kind: type[Exception], x: Any, labels: Any, after: int, compiled: bool
) -> None:
    said, ended = [], []
    for device in DEVICES:
        guarded, undisturbed = Guarded(device, compiled), Guarded(device, compiled)
        for number in range(after):
            assert guarded(GOOD[number], LABELS[number]) == undisturbed(GOOD[number], LABELS[number])
        said.append([refused(guarded, kind, x, labels) for _ in range(3)])
        for number in range(after, 8):
            assert guarded(GOOD[number], LABELS[number]) == undisturbed(GOOD[number], LABELS[number])
        assert guarded.numbers() == undisturbed.numbers()
        ended.append(guarded.seen.value.item())
    assert said[0] == said[1] and len(set(said[0])) == 1 and ended == [8.0, 8.0]
    if compiled:
        assert f"{__file__}:" in said[0][0] and "nothing of this step was committed" in said[0][0]


CALLS: list[Callable[[Any], Any]] = [
    lambda x: F.embedding(pt.asarray([0, 9, 2]).to(x.device), x),
    lambda x: pt.take(x, pt.asarray([0, -7]).to(x.device), axis=1),
    lambda x: pt.guard(pt.log(x - x) * 0),
    lambda x: F.cross_entropy(x, pt.asarray([0, 1, 2, 3, 4, 5, 6, 0]).to(x.device)),
]


@pytest.mark.parametrize("call", CALLS)
def test_eager_calls_say_what_the_cpu_says(call: Callable[[Any], Any]) -> None:
    said = []
    for device in DEVICES:
        x = pt.asarray(GOOD[0]).to(device)
        with pytest.raises(pt.Error) as error:
            call(x)
        said.append((type(error.value), str(error.value)))
        assert float((x + 1).sum()) == float((pt.asarray(GOOD[0]) + 1).sum())
    assert said[0] == said[1]


class Net(pt.nn.Module):
    """One that makes a NaN as soon as it is told."""

    def __init__(self, trips: bool) -> None:
        super().__init__()
        self.layer, self.trips = pt.nn.Linear(6, 6), trips

    def forward(self, x: Any) -> Any:
        y = self.layer(x)
        return pt.log(-pt.abs(y)) if self.trips else y


def test_a_run_that_trips_goes_on_from_its_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "path_of", lambda kind: str(built()))
    data = (GOOD.reshape(-1, 6), LABELS.reshape(-1))

    def trained(steps: int, trips: bool, folder: str, device: str = "cuda", resume: bool = False) -> pt.TrainedRun:
        pt.random.seed(1)
        return pt.fit(
            model=Net(trips), data=data, steps=steps, batch_size=12, lr=0.01, device=device, verbose=False,
            folder=tmp_path / folder, resume=resume,
        )  # fmt: skip

    whole = trained(12, False, "whole")
    trained(6, False, "a")
    with pytest.raises(pt.NonFiniteError) as error:
        trained(12, True, "a", resume=True)
    with pytest.raises(pt.NonFiniteError) as on_cpu:
        trained(12, True, "b", "cpu")
    line = r"\[log\] made a number that is not finite out of finite ones at .*test_guards_on_a_gpu\.py:\d+"
    assert error.match(line) and on_cpu.match(line)
    resumed = trained(12, False, "a", resume=True)
    assert whole.results["hash"] == resumed.results["hash"]


MODEL = """
import powertrain as pt
from powertrain.plugin import Model


class Trips(Model):
    def __init__(self, count, classes):
        super().__init__()
        self.layer = pt.nn.Linear(count, classes)

    @classmethod
    def build(cls, params, inputs):
        return cls(64, inputs.outputs)

    def forward(self, x):
        return pt.log(self.layer(x.reshape((-1, 64))) - 1e6)
"""


def test_a_recipe_that_trips_says_so_once(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    recipe = SMALL.replace('{ use = "mlp", hidden = [32], dropout = 0.1 }', '"./model.py:Trips"')
    (tmp_path / "small.toml").write_text(recipe)
    package = built().parents[1]
    said = [
        run(["train", "small.toml", "--run", device, "--device", device], tmp_path, (package,), 2, **SETTINGS).stderr
        for device in ("cpu", "cuda")
    ]
    assert "model.py:16" in said[1] and "Traceback" not in said[1]
    place = "[log] made a number that is not finite out of finite ones at "
    assert said[0].partition(" in [")[0] == said[1].partition(" in [")[0] and place in said[0]
