"""Tasks one after the other: what is forgotten, what replay and consolidation keep, and that runs resume to the same
bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.builtin.strategies.continual import outputs_of
from powertrain.builtin.strategies.task_scores import TaskScores
from powertrain.builtin.strategies.views import StrategyError
from powertrain.data import permutation
from powertrain.plugin.testing import killed_and_resumed

STEPS, EVERY = 150, {"every": "50 steps"}
RECIPE: dict[str, Any] = {
    "data": {"use": "digits", "split": {"test": 0.2, "stratify": True}},
    "features": [{"use": "scale", "by": 0.0625}],
    "model": {"use": "mlp", "hidden": [128]},
    "optimizer": {"use": "adam", "lr": 2e-3},
    "report": {"baseline": False, "worst": 0},
}
WAYS: dict[str, dict[str, Any]] = {
    "continual": {},
    "replay": {"memory": 300},
    "ewc": {"strength": 300.0, "samples": 50},
}


def go(folder: Path, use: str, name: str = "", tasks: int = 3, **more: Any) -> Any:
    steps, until, resume = more.pop("steps", STEPS), more.pop("until", 0), more.pop("resume", False)
    made = {
        **RECIPE,
        "strategy": {"use": use, "steps": steps, **WAYS[use], **more},
        "run": {"until": f"{until or tasks * steps} steps", "batch_size": 32, "save_seconds": 600, "evaluate": EVERY},
    }
    return pt.fit(made, folder=folder / (name or use), resume=resume, verbose=False)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Three tasks, learned in each way."""
    folder = tmp_path_factory.mktemp("runs")
    return {use: go(folder, use) for use in WAYS}


def table(run: Any) -> list[list[float]]:
    return run.run.strategy.ended.value.tables["test"]  # type: ignore[no-any-return]


def test_a_network_forgets(runs: dict[str, Any]) -> None:
    run = runs["continual"]
    found, scores = table(run), run.results["test"]
    assert [len(row) for row in found] == [1, 2, 3] and all(row[-1] > 0.9 for row in found)
    assert scores["average_accuracy"] == pytest.approx(np.mean(found[-1]))
    assert scores["forgetting"] > 0.1
    assert scores["accuracy"] == pytest.approx(found[-1][0])  # `predict` answers the first task
    page = (run.folder / "report.html").read_text("utf-8")
    assert "Tasks" in page and "measured on the test part when one ends" in page


@pytest.mark.parametrize("use", ["replay", "ewc"])
def test_each_way_forgets_less(runs: dict[str, Any], use: str) -> None:
    plain, better = runs["continual"].results["test"], runs[use].results["test"]
    assert better["forgetting"] < plain["forgetting"] / 1.5
    assert better["average_accuracy"] > plain["average_accuracy"] + 0.03


def test_without_strength_consolidation_is_plain_learning(tmp_path: Path, runs: dict[str, Any]) -> None:
    assert table(go(tmp_path, "ewc", strength=0.0, samples=5)) == table(runs["continual"])


def test_tasks_are_orders_of_the_inputs(runs: dict[str, Any]) -> None:
    strategy = runs["continual"].run.strategy
    orders = [strategy.order_of(task) for task in range(3)]
    assert orders[0].tolist() == list(range(64)) and all(sorted(one) == list(range(64)) for one in orders)
    assert len({tuple(one) for one in orders}) == 3 and strategy.order.numpy().tolist() == orders[2].tolist()
    x = np.arange(128.0).reshape(2, 8, 8)
    assert strategy.permuted(x, 1).reshape(2, 64)[1].tolist() == (64 + orders[1]).tolist()


def test_the_memory_has_a_like_share_of_each_task(runs: dict[str, Any]) -> None:
    """Of tasks of the same examples in other orders each row is found in one."""
    strategy, data = runs["replay"].run.strategy, runs["replay"].run.dataset
    train = data.train.fetch(np.arange(len(data.train)))
    rows, labels = strategy.memory_x.numpy().reshape(300, 64), strategy.memory_y.numpy()
    owner = np.full(300, -1)
    for task in range(3):
        known = {
            row.tobytes(): label for row, label in zip(strategy.permuted(train["x"], task), train["y"], strict=True)
        }
        for at in range(300):
            if known.get(rows[at].tobytes()) == labels[at]:
                owner[at] = task
    assert np.bincount(owner, minlength=3).min() >= 70 and (owner >= 0).all()


def test_a_memory_may_be_larger_than_the_data(tmp_path: Path) -> None:
    run = go(tmp_path, "replay", tasks=1, steps=5, memory=3000)
    assert np.abs(run.run.strategy.memory_x.numpy()).sum(axis=(1, 2)).min() > 0


def test_the_information_is_the_mean_of_squared_gradients_over_all_labels(tmp_path: Path) -> None:
    """Of a linear model it has a formula: p - label, times the input. Its labels are nearly certain, and yet it is the
    improbable ones that count."""
    made = {**RECIPE, "model": "linear", "strategy": {"use": "ewc", "steps": 30, "samples": 300},
            "run": {"until": "30 steps", "batch_size": 32, "seed": 0}}  # fmt: skip
    run = pt.fit(made, folder=tmp_path / "a", verbose=False)
    strategy, train = run.run.strategy, run.run.dataset.train
    x = train.fetch(permutation(len(train), 0, 1)[:300])["x"]
    logits = outputs_of(run.run, x).astype(np.float64)
    share = np.exp(logits - logits.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    # The mean of (p_c - [y is c])^2 over the labels y by their probabilities is p_c (1 - p_c).
    slope, rows = share * (1 - share), x.reshape(len(x), -1).astype(np.float64)
    exact = {"weight": (slope.T @ rows**2) / len(x), "bias": slope.mean(axis=0)}
    for (name, slot), found in zip(strategy.weights, strategy.information, strict=True):
        want = exact[name.rpartition(".")[2]]
        value = found.numpy() if found.shape == want.shape else found.numpy().T
        np.testing.assert_allclose(value, want, rtol=1e-4, atol=1e-5 * want.max(), err_msg=name)
        assert slot.shape == found.shape


def test_the_penalties_of_all_tasks_are_one(tmp_path: Path) -> None:
    """Around the anchor that is kept, the sum of the penalties differs from the one penalty by a constant."""
    known, anchors, weights = [], [], []
    for tasks in (1, 2):
        strategy = go(tmp_path, "ewc", f"t{tasks}", tasks=tasks, steps=40).run.strategy
        known.append(flat(strategy.information))
        anchors.append(flat(strategy.anchors))
        weights.append(flat(slot for _, slot in strategy.weights))
    np.testing.assert_array_equal(anchors[0], weights[0])
    draw, apart = np.random.default_rng(0), []
    for _ in range(5):
        at = draw.normal(size=anchors[0].size)
        each = known[0] * (at - weights[0]) ** 2 + (known[1] - known[0]) * (at - weights[1]) ** 2
        apart.append(each.sum() - (known[1] * (at - anchors[1]) ** 2).sum())
    assert np.ptp(apart) < 1e-3 * known[1].sum()


def flat(slots: Any) -> Any:
    return np.concatenate([slot.numpy().ravel() for slot in slots]).astype(np.float64)


@pytest.mark.parametrize("use", WAYS)
@pytest.mark.parametrize("stop", [50, 65])  # at the end of a task, within one
def test_a_run_in_two_parts_has_the_bits_of_one(tmp_path: Path, use: str, stop: int) -> None:
    settings = {"tasks": 3, "steps": 50, "round_steps": 15}
    whole = go(tmp_path, use, "whole", **settings)
    go(tmp_path, use, "parts", until=stop, **settings)
    resumed = go(tmp_path, use, "parts", resume=True, **settings)
    assert table(resumed) == table(whole) and resumed.results["hash"] == whole.results["hash"]


def test_a_killed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    text = """\
data      = { use = "digits", split = { test = 0.2 } }
model     = { use = "mlp", hidden = [16] }
strategy  = { use = "ewc", steps = 20, samples = 10, round_steps = 5 }
optimizer = { use = "adam", lr = 1e-3 }
run       = { until = "80 steps", batch_size = 32, evaluate = { every = "10 steps" }, save_seconds = 0 }
"""
    killed_and_resumed(text, tmp_path, after="step 30/")


@pytest.mark.parametrize("use", WAYS)
def test_a_finished_run_takes_every_verb(runs: dict[str, Any], use: str, tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((3, 8, 8)) * 16
    run, alone = runs[use], pt.load(runs[use].folder)
    np.testing.assert_array_equal(alone.predict(x).outputs, run.predict(x).outputs)
    for to in ("safetensors", "c", "wheel"):
        assert alone.export(to, tmp_path).path.exists()
    assert alone.explain(x).method and run.quantize(8, folder=tmp_path / "small").metric == "accuracy"


def test_what_cannot_be_learned_so_is_refused(tmp_path: Path) -> None:
    run = {"until": "10 steps", "batch_size": 8}
    with pytest.raises(StrategyError) as caught:
        pt.fit({**RECIPE, "data": "digits", "strategy": "continual", "run": run}, folder=tmp_path / "a", verbose=False)
    assert str(caught.value) == (
        "[continual learning] digits has no part test or valid; expected one, on which tasks are measured; write "
        "data.split = { test = 0.2 }"
    )
    data = (np.zeros((20, 2), np.float32), np.zeros(20, np.float32))
    recipe = {"model": "linear", "strategy": "ewc", "optimizer": "sgd", "run": run}
    with pytest.raises(StrategyError, match="a regression task; expected classification"):
        pt.fit(recipe, data=data, validation=0.5, folder=tmp_path / "b", verbose=False)
    assert not list(tmp_path.iterdir())


def test_averages_are_those_of_the_last_row() -> None:
    scores = TaskScores()
    assert scores.averages("test") == {} and "has ended" in scores.section("test", 5).lines[0]
    for row in ([0.9], [0.5, 0.8], [0.6, 0.7, 1.0]):
        scores.add("test", row)
    # The falls are 0.9 - 0.6 and 0.8 - 0.7.
    assert scores.averages("test") == pytest.approx({"average_accuracy": 2.3 / 3, "forgetting": 0.2})
    again = TaskScores.load(scores.dump())
    assert again.tables == scores.tables
    assert again.section("test", 5).rows[2] == ("2", "0.500", "0.800", "", "0.650")


@pytest.mark.parametrize("data", [b"", b"[1]", b'{"test": [[0.5, 0.5]]}', b'{"test": [["x"]]}', b'{"test": 1}'])
def test_bytes_that_are_no_scores_are_refused(data: bytes) -> None:
    with pytest.raises(
        StrategyError, match=r"^\[continual learning\] the checkpoint's accuracies of tasks: .*begin a "
    ):
        TaskScores.load(data)
