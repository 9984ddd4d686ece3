"""Histograms of layers while a run trains: what they count, what they cost, and that a kill changes nothing of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import Callback, Event, Histogram
from powertrain.train.folder.ledger import read_history
from powertrain.train.folder.run_folder import RunError
from powertrain.train.histograms import bins
from powertrain.train.histograms.recording import DENSE, Histograms, is_due
from powertrain.train.report.histograms import histograms_section
from powertrain.train.trained_run import TrainedRun
from run_folders import begun, write
from running import inside

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 8)).astype(np.float32)
Y = (X @ RNG.normal(size=(8, 1))).astype(np.float32)
EVERYTHING = {"every": 1, "sample": 1 << 16}


def model() -> Any:
    pt.random.seed(0)
    return pt.nn.Sequential(pt.nn.Linear(8, 16), pt.nn.ReLU(), pt.nn.Linear(16, 1))


def fit(folder: Path, histograms: Any, made: Any = None, **how: Any) -> TrainedRun:
    run = {**({} if histograms is None else {"histograms": histograms}), **how.pop("run", {})}
    with mock.patch("powertrain.train.report.elements.charts_module", lambda: None):
        return pt.fit(
            model=made or model(), optimizer={"use": "sgd", "lr": 1e-2}, report={"baseline": False, "worst": 0},
            folder=folder, verbose=False, run=run, **{"data": (X, Y), "epochs": 4, "batch_size": 16, **how},
        )  # fmt: skip


def counted(numbers: Any) -> Histogram:
    return bins.histogram(bins.counted(np.asarray(numbers, np.float32).reshape(-1)))


def same(one: Histogram, other: Histogram) -> bool:
    return np.array_equal(one.edges, other.edges) and np.array_equal(one.counts, other.counts)


def test_each_number_is_in_the_bin_of_its_power_and_sign() -> None:
    found = counted([0.0, 1.0, 1.5, -0.5, 1e-30, -1e30, np.nan, np.inf])
    within = {
        (low, high): count
        for low, high, count in zip(found.edges, found.edges[1:], found.counts, strict=False)
        if count
    }
    smallest, largest = 2.0**bins.LOWEST, 2.0**bins.HIGHEST
    expected = {(-largest, -largest / 2): 1, (-1.0, -0.5): 1, (-smallest, smallest): 2, (1.0, 2.0): 2}
    assert within == expected and found.not_finite == 2
    shares = bins.magnitudes(bins.counted(np.array([0.0, 1.0, 1.5, -1.0], np.float32)))
    assert (shares[0], shares[1 - bins.LOWEST], shares.sum()) == (0.25, 0.75, 1.0)


def test_the_numbers_are_those_of_the_step(tmp_path: Path) -> None:
    layer = pt.nn.Linear(8, 1)
    w, b = (slot.numpy().astype(np.float64).copy() for slot in (layer.weight, layer.bias))
    run = fit(tmp_path / "a", EVERYTHING, layer, data=(X[:16], Y[:16]), epochs=1)
    found = run.histograms[1]
    outputs = X[:16].astype(np.float64) @ w.reshape(-1, 1) + b
    errors = outputs - Y[:16]
    assert list(found) == ["gradient model", "weight model", "activation model"]
    assert same(found["weight model"], counted([*w.reshape(-1), *b]))
    assert same(found["activation model"], counted(outputs))
    assert same(found["gradient model"], counted([*(X[:16].T @ errors).reshape(-1) / 8, 2 * errors.mean()]))


def test_the_same_bits_are_learned_by_the_same_instructions(tmp_path: Path) -> None:
    looked = fit(tmp_path / "a", {"every": 3})
    plain = fit(tmp_path / "b", None)
    assert list(looked.histograms) == [3, 6, 9, 12, 15] and plain.histograms == {}
    assert looked.results["hash"] == plain.results["hash"]
    (one,), (other,) = (run.run.stepper.compiled.values() for run in (looked, plain))
    assert [program["instructions"] for program in one.programs] == [
        program["instructions"] for program in other.programs
    ]
    assert one.traces == other.traces == 1
    ((_, program),) = looked.run.stepper._looks.values()
    assert program.traces == 1


def test_norms_and_histograms_are_seen_in_one_step(tmp_path: Path) -> None:
    both = fit(tmp_path / "a", {"every": 2}, run={"anomalies": {"gradients": "warn", "every": 3}})
    assert list(both.histograms) == [2, 4, 6, 8, 10, 12, 14, 16]
    assert len(both.run.stepper._looks) == 3
    assert both.results["hash"] == fit(tmp_path / "b", None, run={"anomalies": {}}).results["hash"]


def test_of_shards_the_sums_are_seen(tmp_path: Path) -> None:
    cut = fit(tmp_path / "a", EVERYTHING, run={"shards": 2})
    whole = fit(tmp_path / "b", EVERYTHING)
    assert cut.results["hash"] == fit(tmp_path / "c", None, run={"shards": 2}).results["hash"]
    found = cut.histograms[1]
    assert list(found) == ["gradient 0", "weight 0", "gradient 2", "weight 2"]
    assert same(found["weight 0"], whole.histograms[1]["weight 0"])
    for name in ("gradient 0", "gradient 2"):
        one, other = found[name], whole.histograms[1][name]
        assert same(one, other)


def test_a_kill_leaves_the_same_histograms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round that is done again is looked at again, and counts once."""
    how = {"strategy": {"use": "supervised", "round_steps": 3}, "run": {"save_seconds": 1e6}}
    whole = fit(tmp_path / "whole", {"every": 2}, **how)
    after_round, rounds = Histograms.after_round, 0

    def killed(self: Histograms) -> None:
        nonlocal rounds
        after_round(self)
        rounds += 1
        if rounds == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Histograms, "after_round", killed)
        fit(tmp_path / "parts", {"every": 2}, **how)
    seen = [event["at"] for event in read_history(tmp_path / "parts") if event["event"] == bins.EVENT]
    assert seen == [2, 4, 6, 8]
    parts = fit(tmp_path / "parts", {"every": 2}, resume=True, **how)
    assert parts.results["hash"] == whole.results["hash"]
    kept = [bins.by_step(read_history(tmp_path / name)) for name in ("whole", "parts")]
    assert kept[0] == kept[1] and list(kept[0]) == [2, 4, 6, 8, 10, 12, 14, 16]


def test_a_resume_may_look_at_other_steps(tmp_path: Path) -> None:
    fit(tmp_path / "a", {"every": 2}, epochs=1)
    found = fit(tmp_path / "a", {"every": 3}, epochs=2, resume=True)
    assert list(found.histograms) == [2, 4, 6]


def test_looks_grow_as_the_logarithm_of_the_steps() -> None:
    looks = [step for step in range(1, 1 << 17) if is_due(step, 10)]
    assert looks[: DENSE - 1] == list(range(10, 10 * DENSE, 10))
    assert len(looks) < DENSE + DENSE / 2 * math.log2((1 << 17) / 10 / DENSE) + 2
    apart = np.diff(looks)
    assert (np.diff(apart) >= 0).all() and set(np.unique(apart).tolist()) <= {10 << power for power in range(12)}


def test_few_numbers_of_few_layers_are_taken(tmp_path: Path) -> None:
    layers = [pt.nn.Linear(8, 8) for _ in range(10)]
    deep = pt.nn.Sequential(*layers, pt.nn.Linear(8, 96), pt.nn.Linear(96, 1))
    found = fit(tmp_path / "a", {"every": 4, "layers": 3, "sample": 32}, deep, epochs=1).histograms[4]
    assert [name for name in found if name.startswith("weight")] == ["weight 0", "weight 5", "weight 11"]
    assert all(16 <= one.counts.sum() <= 64 for one in found.values())


def test_units_that_are_zero_and_layers_that_are_called_again(tmp_path: Path) -> None:
    relu = pt.nn.ReLU()
    dead = pt.nn.Linear(16, 4)
    dead.bias.value = pt.full((4,), -1e3)
    twice = pt.nn.Sequential(pt.nn.Linear(8, 16), relu, dead, relu, pt.nn.Linear(4, 1))
    found = fit(tmp_path / "a", EVERYTHING, twice, epochs=1).histograms[1]
    assert found["activation 1"].counts.size > 1
    zeros = found["activation 1 (call 2)"]
    assert zeros.counts.tolist() == [64] and zeros.edges[0] == -zeros.edges[1]


class Looped(pt.nn.Module):
    """Calls one layer inside of a loop, and one outside."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = pt.nn.Linear(8, 8), pt.nn.Linear(8, 1)

    def forward(self, x: pt.Tensor) -> pt.Tensor:
        last, _ = pt.scan(lambda state, _: (self.inner(state), pt.zeros(())), x, pt.zeros((3,)))
        return self.outer(last)


def test_what_is_computed_inside_of_a_loop_is_left_out(tmp_path: Path) -> None:
    found = fit(tmp_path / "a", EVERYTHING, Looped(), epochs=1).histograms[1]
    assert [name for name in found if name.startswith("activation")] == ["activation outer"]
    assert {"gradient inner", "weight inner"} <= set(found)


@pytest.mark.parametrize("made", [lambda: pt.nn.GRU(8, 4), lambda: pt.nn.Embedding(10, 4, sparse=True)])
def test_layers_of_many_kinds(tmp_path: Path, made: Callable[[], Any]) -> None:
    class Kind(pt.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.head = made(), pt.nn.Linear(4, 1)

        def forward(self, x: pt.Tensor) -> pt.Tensor:
            if isinstance(self.layer, pt.nn.GRU):
                return self.head(self.layer(pt.expand_dims(x, 1))[0][:, 0])
            return self.head(pt.mean(self.layer(pt.astype(pt.clip(pt.abs(x), 0, 9), "int32")), axis=1))

    how = {"epochs": 1, "run": {"precision": "bf16"}}
    looked, plain = fit(tmp_path / "a", EVERYTHING, Kind(), **how), fit(tmp_path / "b", None, **how, made=Kind())
    assert {"gradient layer", "weight layer", "activation head"} <= set(looked.histograms[1])
    assert plain.finished


class Told(Callback):
    seen: list[Event]

    def __init__(self, params: Any = None) -> None:
        super().__init__(params)
        Told.seen = []

    def after_commit(self, event: Event) -> None:
        Told.seen.append(event)


def test_callbacks_are_given_the_histograms_of_a_round(tmp_path: Path) -> None:
    run = fit(tmp_path / "a", {"every": 3}, callbacks=[Told()], strategy={"use": "supervised", "round_steps": 4})
    told = {step: found for event in Told.seen for step, found in event.histograms.items()}
    assert list(told) == list(run.histograms) == [3, 6, 9, 12, 15]
    assert all(same(told[step][name], one) for step in told for name, one in run.histograms[step].items())


def test_a_ledger_of_a_stranger_breaks_nothing(tmp_path: Path) -> None:
    whole = {"first": 60, "counts": [1, 2, 1], "not_finite": 0}
    odd = {"first": bins.BINS, "counts": [1], "not_finite": 0}
    empty = {"first": 0, "counts": [], "not_finite": 0}
    folder = begun(tmp_path / "a", steps=1)
    found = {"gradient <b>": whole, "gradient odd": odd, "gradient empty": empty, "other": whole}
    write(
        folder,
        {"event": bins.EVENT, "step": 2, "round": 2, "at": 2, "found": found},
        {"event": bins.EVENT, "step": 3, "round": 3, "at": 3, "found": {"gradient a": {"first": -1}}},
    )
    history = read_history(folder)
    assert {step: list(one) for step, one in bins.by_step(history).items()} == {2: ["gradient <b>", "other"]}
    page = histograms_section(history)
    assert "&lt;b&gt;" in page and "<b>" not in page and "odd" not in page


@pytest.mark.pictures
def test_the_report_has_a_chart_and_a_picture_of_each_kind(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    run = pt.fit(
        model=model(), data=(X, Y), epochs=2, report={"baseline": False}, run={"histograms": {"every": 2}},
        folder=tmp_path / "a", verbose=False,
    )  # fmt: skip
    page = run.report().read_text()
    assert "<h2>Inside the layers</h2>" in page and page.count("data-heat=") == 3
    for kind in ("gradients", "weights", "activations"):
        assert f'alt="{kind} of each layer"' in page


def test_steps_that_cannot_be_looked_into_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        pt.fit(
            "digits", model="nearest-mean", optimizer=None, run={"until": "1 round", "histograms": {}}, verbose=False
        )
    assert str(caught.value) == (
        "[run.histograms] received it with the strategy fitted, which does not train by steps of the engine; expected "
        "steps in which the engine minimizes a loss; leave run.histograms out"
    )


def test_a_plan_and_a_profile_of_such_a_run_are_made(tmp_path: Path) -> None:
    settings = ["--set", "run.histograms={ every = 5 }", "--set", "run.until=1 epochs"]
    assert "parameters" in inside(["plan", "digits", *settings], tmp_path).stdout
    assert "step" in inside(["profile", "digits", "--steps", "3", *settings], tmp_path).stdout
