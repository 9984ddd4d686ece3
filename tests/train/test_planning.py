"""`powertrain plan`: what is counted from measured rounds, what a plan of a small run says beside the run, and that it
leaves no trace."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.recipe import load_recipe
from powertrain.recipe.durations import Duration
from powertrain.train import session
from powertrain.train.display.display import Display
from powertrain.train.evaluate.evaluation import Evaluator
from powertrain.train.planning import rehearsal, sampled
from powertrain.train.planning.counting import Round, evaluations, extent, saves
from powertrain.train.planning.plan import Plan, Prices, plan
from powertrain.train.planning.stepping import Looped
from powertrain.train.planning.words import text
from powertrain.train.report import energy
from powertrain.train.report.energy import Usage
from running import SMALL, run

STEP = len  # stands for a step function


def horizon(until: str, every: str, source: Any = None, total: int = 0) -> Any:
    found = Duration.parse(until), Duration.parse(every)
    return SimpleNamespace(until=found[0], every=found[1], source=source, total_steps=total)


def a_round(seconds: float, in_loops: float = 0.0, wanted: int = 0, ran: int = 0, traced: bool = False,
            **gained: int) -> Round:  # fmt: skip
    counters = dict.fromkeys(("steps", "examples", "tokens", "env_steps", "epochs"), 0) | {"rounds": 1}
    return Round(Usage(seconds, 2 * seconds), in_loops, {STEP: wanted}, ran, counters | {"steps": ran} | gained, traced)


class Epochs:
    """A source of 10 batches an epoch."""

    has_epochs = True

    def __len__(self) -> int:
        return 10


def test_loops_that_were_cut_count_as_a_whole() -> None:
    looped = {STEP: Looped(calls=34, first=[5.0, 1.0, 1.0], seconds=[1.0] * 31)}
    # 64 steps were wanted each time; 33 and then one were made, with half a second around them.
    rounds = [a_round(37.5, 37.0, 64, 33, traced=True), a_round(1.5, 1.0, 64, 1)]
    found = extent(rounds, looped, horizon("100 epochs", "10 epochs", Epochs(), 1000), over=False)
    assert found.steps == 1000 and found.rounds == pytest.approx(1000 / 64)
    assert found.each.seconds == pytest.approx(64.5) and found.each.busy == pytest.approx(129)
    assert found.first == pytest.approx(4.0)
    assert found.training.seconds == pytest.approx(1000 + 0.5 * 1000 / 64 + 4)
    assert evaluations(found, horizon("100 epochs", "10 epochs", Epochs(), 1000)) == 10


def test_rounds_that_fill_a_memory_are_no_measure_of_those_that_learn() -> None:
    looped = {STEP: Looped(calls=13, first=[2.0, 1.0, 1.0], seconds=[1.0] * 10)}
    filling = [a_round(0.5, env_steps=16) for _ in range(10)]
    learning = [a_round(5.5, 5.0, 4, 4, traced=True, env_steps=16), *[a_round(4.5, 4.0, 4, 4, env_steps=16)] * 3]
    where = horizon("1600 env_steps", "400 env_steps")
    found = extent([*filling, *learning], looped, where, over=False)
    assert found.rounds == 100 and found.steps == 400
    assert found.training.seconds == pytest.approx(10 * 0.5 + 90 * 4.5 + 1)
    assert evaluations(found, where) == 4


def test_a_run_that_was_measured_whole_takes_what_it_took() -> None:
    rounds = [a_round(9.0, traced=True), a_round(1.0), a_round(2.0)]
    found = extent(rounds, {}, horizon("3 rounds", "1 rounds"), over=True)
    assert found.training.seconds == pytest.approx(12) and (found.rounds, found.steps, found.first) == (3, 0, 0)


@pytest.mark.parametrize(
    ("seconds", "least", "cost", "expected"),
    [(95, 10, 0.1, 10), (95, 10, 1.0, 6), (5, 10, 0.1, 1), (95, 0, 0.0, 100), (0.8, 0, 1.0, 2)],
)
def test_checkpoints_cost_a_twentieth_at_most(seconds: float, least: float, cost: float, expected: int) -> None:
    found = extent([a_round(0.5)] * 100, {}, horizon("100 rounds", "1 rounds"), over=True)
    assert saves(found, seconds, least, cost) == expected


def test_stretches_of_work_are_added_and_scaled() -> None:
    found = (Usage(1, 2, 3) + Usage(3, 2, 1) * 2 - Usage(1, 1, 1)).energy()
    assert found.watt_hours == pytest.approx(4 / 3600) and "RAPL" in found.method
    unknown = Usage(1, 36, math.nan).energy()
    assert unknown.watt_hours == pytest.approx(0.1) and unknown.method.startswith("estimated")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "LEAST_SECONDS", 0.05)
    monkeypatch.setattr(rehearsal, "MOST_SECONDS", 5.0)


def recipe_in(folder: Path, content: str) -> Any:
    path = folder / "small.toml"
    path.write_text(content)
    return load_recipe(str(path))


def trained(recipe: Any, folder: Path) -> Mapping[str, Any]:
    return session.train(recipe, folder, display=Display(quiet=True)).results


def planned(folder: Path, content: str, **how: Any) -> Plan:
    return plan(recipe_in(folder, content), **how)


@pytest.mark.usefixtures("quick")
def test_a_plan_counts_what_the_run_does_and_changes_none_of_its_bits(tmp_path: Path) -> None:
    content = SMALL.replace("6 epochs", "60 epochs").replace(', stop = { watch = "valid.accuracy" }', "")
    first = trained(recipe_in(tmp_path, content), tmp_path / "first")
    state = pt.random.default_generator().slot.numpy().copy()
    found = planned(tmp_path, content)
    assert np.array_equal(pt.random.default_generator().slot.numpy(), state)
    second = trained(recipe_in(tmp_path, content), tmp_path / "second")
    assert first["hash"] == second["hash"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "second", "small.toml"]

    assert found.steps == second["steps"] == 60 * 20 and found.measured["steps"] < 600
    assert (found.parameters, found.trained) == (64 * 32 + 32 + 32 * 10 + 10, 2410)
    assert sum(layer.parameters for layer in found.layers) == 2410
    times = {item.name: item for item in found.times}
    assert times["evaluations"].count == 60 and times["steps"].count == 1200
    # Three products of each layer but the first, whose inputs need no gradient.
    products = 2 * 64 * (2 * 64 * 32 + 3 * 32 * 10)
    assert products < found.step_flops < 2 * products and found.run_flops == pytest.approx(1200 * found.step_flops)
    kept = list((tmp_path / "second" / "checkpoints").iterdir())
    assert found.storage["checkpoints"] == pytest.approx(sum(path.stat().st_size for path in kept), rel=0.01)
    ledger = (tmp_path / "second" / "ledger.jsonl").stat().st_size
    assert found.storage["ledger"] == pytest.approx(ledger, rel=0.6)
    assert found.memory["weights"] == 4 * 2410 and found.memory["optimizer"] >= 8 * 2410
    assert found.memory["peak"] > found.memory["imports"] > 0


@pytest.mark.usefixtures("quick")
def test_what_ends_a_run_early_is_said(tmp_path: Path) -> None:
    content = SMALL.replace("6 epochs", "400 epochs")
    found = planned(tmp_path, content, max_minutes=1e-3, prices=Prices(hour=2.0, kwh=0.5))
    early, late = found.stops
    assert early.reason == "early stopping, at the earliest after 6 of 400 evaluations"
    assert early.seconds == pytest.approx(found.training_seconds * 6 / 400)
    assert late.reason == "--max-minutes 0.001" and late.seconds == pytest.approx(0.06)
    assert found.money["machine"] == pytest.approx(2 * found.seconds / 3600)
    assert found.money["energy"] == pytest.approx(0.5 * found.energy["watt_hours"] / 1000)
    lines = text(found)
    assert "at most" in lines and "stop   early stopping" in lines and "money  machine" in lines


@pytest.mark.usefixtures("quick")
def test_a_long_evaluation_is_measured_on_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done, measured = [0], Evaluator._measured

    def counted(*arguments: Any) -> Any:
        done[0] += 1
        return measured(*arguments)

    # A clock that only batches move, by a hundredth of a second each: the machine may be busy with others.
    monkeypatch.setattr(Evaluator, "_measured", counted)
    monkeypatch.setattr(energy, "time", SimpleNamespace(monotonic=lambda: done[0] / 100))
    content = SMALL.replace("batch_size = 64", "batch_size = 1") + "evaluate = { batch_size = 1 }\n"
    seconds, batches = [], []
    for most in (sampled.MOST_SECONDS, 0.5):
        monkeypatch.setattr(sampled, "MOST_SECONDS", most)
        before = done[0]
        seconds.append(next(item.each for item in planned(tmp_path, content).times if item.name == "evaluations"))
        batches.append(done[0] - before)
    assert seconds[1] == pytest.approx(seconds[0]) and seconds[0] > 1
    assert batches[1] < batches[0] / 4, batches


@pytest.mark.usefixtures("quick")
def test_models_that_fit_themselves_are_measured_whole(tmp_path: Path) -> None:
    content = SMALL.partition("optimizer")[0].replace(
        'use = "mlp", hidden = [32], dropout = 0.1', 'use = "nearest-mean"'
    )
    content += 'strategy = "fitted"\nrun = { until = "1 round" }\n'
    found = planned(tmp_path, content, before=Usage(100, 1))
    assert found.seconds > 100 and found.processor_seconds < found.seconds - 90  # the process waited before
    assert found.steps == 0 and found.parameters == 0 and found.step_flops is None
    assert "all of it was run" in found.unknown[0] and "work   not known" in text(found)


@pytest.mark.usefixtures("quick")
def test_callbacks_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from powertrain.plugin import Callback\n\n\nclass Tells(Callback):\n"
        "    def after_commit(self, event):\n        raise RuntimeError('told')\n"
    )
    found = planned(tmp_path, SMALL + 'callbacks = ["own.py:Tells"]\n')
    assert any("callbacks" in sentence for sentence in found.unknown)


def test_the_command_prints_figures_or_lines(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    done = run(["plan", "small.toml", "--json", "--set", "run.batch_size=32", "--price-per-hour", "1"], tmp_path)
    found = json.loads(done.stdout)
    assert found["batch_size"] == 32 and found["steps"] == 6 * 40 and found["money"]["machine"] > 0
    assert 0 < found["training_seconds"] < found["seconds"] < 300
    shown = run(["plan", "small.toml"], tmp_path).stdout.splitlines()
    assert shown[0] == "plan   small: 6 epochs, 120 steps of 64 (train 1,258 / valid 180 / test 359)"
    assert {line.split()[0] for line in shown if not line.startswith(" ")} == {
        "plan", "model", "work", "time", "memory", "disk", "energy", "open", "by"}  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.toml"]


@pytest.mark.parametrize(
    "setting",
    ["optimizer.lr=-1", "model.chanels=3", "data={use='table', path='none.csv', target='y'}", "run.until=2 tokens"],
)
def test_what_cannot_be_trained_cannot_be_planned(tmp_path: Path, setting: str) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    told = [run([verb, "small.toml", "--set", setting], tmp_path, expect=2) for verb in ("plan", "train")]
    assert told[0].stderr == told[1].stderr and told[0].stderr.startswith("[") and told[0].stdout == ""
