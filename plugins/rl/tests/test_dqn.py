"""Deep Q-learning: what it aims at, the copy that judges, priorities, and that it goes on after a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin.testing import killed_and_resumed
from powertrain.recipe import load_recipe
from powertrain.train.building import build
from powertrain.train.display.display import Display
from powertrain.train.folder.run_folder import RunFolder

DQN = """\
data.env  = { use = "rl/cartpole", copies = 4, longest = 60 }
model     = { use = "rl/q-network", hidden = [16] }
strategy  = { use = "rl/dqn", steps = 16, updates = 8, batch_size = 32, replay = 1_000, warmup = 100, follow = 20 }
optimizer = { use = "adam", lr = 1e-2, schedule = "polynomial" }
run       = { until = "4_096 env_steps", save_seconds = 0, evaluate = { every = "1_024 env_steps", episodes = 10 } }
report    = { baseline = false }
"""


def made(folder: Path, *changes: str) -> Any:
    (folder / "small.toml").write_text(DQN, encoding="utf-8")
    run = build(load_recipe(str(folder / "small.toml"), list(changes)), RunFolder(folder / "run"), Display(quiet=True))
    run.strategy.setup(run)
    return run


@pytest.mark.parametrize("prioritized", [0.0, 0.6])
def test_it_goes_on_with_the_same_bits(tmp_path: Path, prioritized: float) -> None:
    text = DQN.replace("follow = 20", f"follow = 20, prioritized = {prioritized}")
    killed_and_resumed(text, tmp_path, after="env_step 2,048")


def q_values(module: Any, x: Any) -> Any:
    return module(pt.tensor(x)).numpy().astype(np.float64)


@pytest.mark.parametrize("double", [True, False])
def test_it_aims_at_what_the_copy_says_of_the_next_action(tmp_path: Path, double: bool) -> None:
    run = made(tmp_path, "strategy.prioritized=1.0", f"strategy.double={str(double).lower()}", "strategy.follow=1000")
    strategy = run.strategy
    for _ in range(12):  # so that the network and its copy differ
        strategy.round(run)
    net, target = strategy.net, strategy.target
    drawn = strategy.ring.draw(32, "priority").arrays
    assert drawn["terminated"].sum() > 0
    judged = q_values(target, drawn["next"])
    chosen = (q_values(net, drawn["next"]) if double else judged).argmax(axis=1)
    following = judged[np.arange(32), chosen]
    wanted = drawn["reward"] + 0.99 * (1 - drawn["terminated"]) * following
    errors = np.abs(q_values(net, drawn["x"])[np.arange(32), drawn["action"]] - wanted)
    again = made(tmp_path, "strategy.prioritized=1.0", f"strategy.double={str(double).lower()}", "strategy.follow=1000")
    assert again.table.load({name: np.array(value) for name, value in run.table.snapshot().items()}) == []
    again.strategy.ring._draws -= 1
    again.loop(again.strategy.learn, again.strategy.ring.sample(32, by="priority"), 1)
    np.testing.assert_allclose(again.strategy.surprise.numpy(), errors + 1e-3, rtol=1e-4, atol=1e-4)


def test_the_copy_that_judges_follows_in_jumps(tmp_path: Path) -> None:
    run = made(tmp_path, "strategy.updates=1", "strategy.warmup=1", "strategy.follow=3")
    same = []
    for _ in range(6):
        run.strategy.round(run)
        same.append(all((slow.numpy() == slot.numpy()).all() for slow, slot in run.strategy._pairs()))
    assert same == [False, False, True, False, False, True]


def test_it_tries_less_and_less_at_random(tmp_path: Path) -> None:
    run = made(tmp_path, "strategy.explore=0.1", "strategy.explore_steps=128", "strategy.updates=1")
    shares = []
    for _ in range(4):
        run.strategy.round(run)
        shares.append(round(run.strategy.explore.numpy().item(), 3))
    assert shares == [1.0, 0.55, 0.1, 0.1]


def test_rows_that_surprise_are_drawn_more_often_and_count_less(tmp_path: Path) -> None:
    """A batch's weights make up for its chances: their product is the same for all rows."""
    run = made(tmp_path, "strategy.prioritized=0.6")
    for _ in range(4):
        run.strategy.round(run)
    priorities = run.strategy.ring.arrays()["replay.priority"]
    assert len(np.unique(priorities)) > 20 and (priorities > 0).all()


@pytest.mark.parametrize("duelling", [True, False])
def test_a_network_of_values_and_advantages(duelling: bool) -> None:
    from powertrain_rl.models import QNetwork

    net = QNetwork(3, 4, QNetwork.Params(hidden=(8,), duelling=duelling))
    outputs = net(pt.ones((2, 3))).numpy()
    assert outputs.shape == (2, 4)
    if duelling:  # advantages are above or below their mean, so the mean of all is the value of the state
        inner = pt.relu(net.layers[0](pt.ones((2, 3))))
        np.testing.assert_allclose(outputs.mean(axis=1), net.value(inner).numpy()[:, 0], atol=1e-6)


def test_a_round_that_would_never_be_committed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pt.Error, match=r"strategy.updates.*10,?_?000"):
        made(tmp_path, "strategy.updates=2147483648")
