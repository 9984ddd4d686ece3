"""Q-learning, REINFORCE and SAC: their formulas, that they learn, and that they go on after a kill."""

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

REINFORCE = """\
data.env  = { use = "rl/cartpole", copies = 8, longest = 60 }
model     = { use = "mlp", hidden = [16], activation = "tanh" }
strategy  = { use = "rl/reinforce", horizon = 128 }
optimizer = { use = "adam", lr = 1e-2 }
run       = { until = "8_192 env_steps", save_seconds = 0, evaluate = { every = "2_048 env_steps", episodes = 10 } }
report    = { baseline = false }
"""
Q_LEARNING = """\
data.env  = { use = "rl/cliff", copies = 4 }
model     = "rl/q-table"
strategy  = { use = "rl/q-learning", round_steps = 64 }
optimizer = { use = "sgd", lr = 0.3 }
run       = { until = "12_800 env_steps", save_seconds = 0, evaluate = { every = "2_560 env_steps", episodes = 2 } }
report    = { baseline = false }
"""
SAC = """\
data.env  = { use = "rl/pendulum", copies = 2 }
model     = { use = "mlp", hidden = [16] }
strategy  = { use = "rl/sac", batch_size = 32, replay = 500, warmup = 64 }
optimizer = { use = "adam", lr = 1e-3 }
run       = { until = "640 env_steps", save_seconds = 0, evaluate = { every = "160 env_steps", episodes = 2 } }
report    = { baseline = false }
"""
ALL = {
    "reinforce": (REINFORCE, "env_step 4,096"),
    "q-learning": (Q_LEARNING, "env_step  5,120"),
    "sac": (SAC, "env_step 320"),
}


def made(folder: Path, text: str, *changes: str) -> Any:
    (folder / "small.toml").write_text(text, encoding="utf-8")
    run = build(load_recipe(str(folder / "small.toml"), list(changes)), RunFolder(folder / "run"), Display(quiet=True))
    run.strategy.setup(run)
    return run


@pytest.mark.parametrize("name", ALL)
def test_it_goes_on_with_the_same_bits(tmp_path: Path, name: str) -> None:
    text, after = ALL[name]
    whole = killed_and_resumed(text, tmp_path, after=after)
    if name == "q-learning":
        assert whole["env"]["return"] == -13  # the shortest way along the cliff
    if name == "reinforce":
        assert whole["env"]["return"] > 30


def test_the_gain_of_a_step_is_what_came_after_it(tmp_path: Path) -> None:
    run = made(tmp_path, REINFORCE)
    strategy = run.strategy
    played = strategy.env.unroll(strategy.act, 128, strategy.judge)
    reward, done = (np.asarray(played[name], np.float64).reshape(128, 8) for name in ("reward", "done"))
    totals, known = np.zeros((128, 8)), np.zeros((128, 8))
    total, finished = np.zeros(8), np.zeros(8)
    for at in reversed(range(128)):
        total = reward[at] + 0.99 * np.where(done[at] > 0, 0, total)
        finished = np.maximum(finished, done[at])
        totals[at], known[at] = total, finished
    assert 0 < known.sum() < known.size
    chosen = totals[known > 0]
    wanted = (totals - chosen.mean()) / chosen.std() * known
    np.testing.assert_allclose(np.asarray(played["gain"]).reshape(128, 8), wanted, rtol=1e-3, atol=1e-4)


def test_a_table_moves_by_the_rate_towards_what_came(tmp_path: Path) -> None:
    run = made(tmp_path, Q_LEARNING, "data.env.copies=1", "strategy.round_steps=1")
    before = run.strategy.values.table.weight.numpy().copy()
    played = run.strategy.env.unroll(run.strategy.act, 1)
    run.loop(run.strategy.learn, played.epochs(1, 1))
    changed = run.strategy.values.table.weight.numpy() - before
    at = int(np.argmax(played["x"][0])), int(played["action"][0])
    assert abs(changed[at] - 0.3 * played["reward"][0]) < 1e-6 and np.count_nonzero(changed) == 1


def test_the_density_of_a_bent_action_is_that_of_its_distribution(tmp_path: Path) -> None:
    """Of draws within an interval, the mean of 1 / density is the interval's width, whatever the policy."""
    run = made(tmp_path, SAC)

    class T:
        rng = pt.random.Generator(3)

    action, density = run.strategy._drawn(T(), pt.ones((40_000, 3)))
    assert (np.abs(action.numpy()) <= 2).all()
    inside = np.abs(action.numpy()[:, 0]) < 1.5
    width = np.mean(np.where(inside, np.exp(-density.numpy().astype(np.float64)), 0))
    assert abs(width - 3.0) < 0.1
