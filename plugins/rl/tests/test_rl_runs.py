"""Runs: each learns, goes on with the same bits after a kill, and gives them on any number of threads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin.testing import killed_and_resumed, powertrain, trained
from powertrain.recipe import load_recipe
from powertrain.train.building import build
from powertrain.train.display.display import Display
from powertrain.train.folder.run_folder import RunError, RunFolder

PPO = """\
data.env  = { use = "rl/cartpole", copies = 8 }
model     = { use = "rl/actor-critic", hidden = [32] }
strategy  = { use = "rl/ppo", horizon = 64, epochs = 4, minibatch = 128, entropy = 0.01, value_clip = 0.5 }
optimizer = { use = "adam", lr = 3e-3, clip = 0.5, schedule = "polynomial" }
run       = { until = "30_720 env_steps", save_seconds = 0, evaluate = { every = "5_120 env_steps", episodes = 20 } }
report    = { baseline = false }
"""


def made(folder: Path, text: str, *changes: str) -> Any:
    (folder / "small.toml").write_text(text, encoding="utf-8")
    return build(load_recipe(str(folder / "small.toml"), list(changes)), RunFolder(folder / "run"), Display(quiet=True))


def test_ppo_learns_and_goes_on_in_the_middle_of_episodes(tmp_path: Path) -> None:
    whole = killed_and_resumed(PPO, tmp_path, after="env_step 10,240")
    assert whole["env"]["return"] > 150
    report = (tmp_path / "whole" / "report.html").read_text(encoding="utf-8")
    assert "Return of each episode" in report and "An episode" in report and "could not be drawn" not in report


@pytest.mark.parametrize("threads", ["2", "4", "7"])
def test_ppo_gives_the_same_bits_on_any_threads(tmp_path: Path, threads: str) -> None:
    (tmp_path / "small.toml").write_text(PPO, encoding="utf-8")
    given = ("--set", "run.until=2_048 env_steps", "--set", "data.env.copies=64")
    hashes = set()
    for count in ("1", threads):
        said = powertrain("train", "small.toml", "--run", f"with-{count}", "--json", *given, folder=tmp_path,
                          POWERTRAIN_THREADS=count)  # fmt: skip
        hashes.add(said.split('"hash": "')[1][:64])
    assert len(hashes) == 1


def test_advantages_are_those_of_the_formula(tmp_path: Path) -> None:
    """Against sums written out, with episodes that are terminated and truncated within the rows."""
    run = made(tmp_path, PPO, "data.env.longest=20", "strategy.normalize=false")
    run.strategy.setup(run)
    played = run.strategy.env.unroll(run.strategy.act, 64, run.strategy.judge)
    copies, settings = 8, run.strategy.params
    rows = {name: np.asarray(played[name], np.float64).reshape(64, copies, -1) for name in played}
    values = run.strategy.critic(pt.tensor(played["x"])).numpy().reshape(64, copies).astype(np.float64)
    following = run.strategy.critic(pt.tensor(played["next"])).numpy().reshape(64, copies).astype(np.float64)
    terminated, done = rows["terminated"][..., 0], rows["done"][..., 0]
    assert terminated.sum() and (done - terminated).sum()
    wanted, later = np.zeros((64, copies)), np.zeros(copies)
    for at in reversed(range(64)):
        more = rows["reward"][at, :, 0] + settings.discount * (1 - terminated[at]) * following[at] - values[at]
        later = more + settings.discount * settings.gae * (1 - done[at]) * later
        wanted[at] = later
    np.testing.assert_allclose(rows["advantage"][..., 0], wanted, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(rows["target"][..., 0], wanted + values, rtol=1e-4, atol=1e-4)


def test_rows_of_time_join(tmp_path: Path) -> None:
    """What is seen next is what is seen in the next row, but where an episode was over."""
    run = made(tmp_path, PPO)
    run.strategy.setup(run)
    played = run.strategy.env.unroll(run.strategy.act, 64)
    x, following, done = (np.asarray(played[name]).reshape(64, 8, -1) for name in ("x", "next", "done"))
    goes_on = done[:-1, :, 0] == 0
    assert (x[1:][goes_on] == following[:-1][goes_on]).all() and not goes_on.all()
    assert (np.abs(x[1:][~goes_on]) <= 0.05).all()
    assert run.progress.env_steps == 512
    again = run.strategy.env.unroll(run.strategy.act, 64)
    assert (np.asarray(again["x"])[:8] == np.where(done[-1], again["x"][:8], following[-1])).all()


def test_passes_hold_each_row_once(tmp_path: Path) -> None:
    run = made(tmp_path, PPO)
    run.strategy.setup(run)
    played = run.strategy.env.unroll(run.strategy.act, 5)
    batches = list(played.epochs(2, 16).take(6))
    for epoch in (batches[:3], batches[3:]):
        rows = np.concatenate([batch.indices[: len(batch)] for batch in epoch])
        assert sorted(rows.tolist()) == list(range(40))
        assert [len(batch) for batch in epoch] == [16, 16, 8]
    assert (batches[0].indices != batches[3].indices).any()
    with pytest.raises(RunError, match=r"\[epochs\] received 0 passes in batches of 16; expected at least one of each"):
        played.epochs(0, 16)
    source = played.epochs(1, 16)
    with pytest.raises(RunError, match=r"\[loop\] received 4 steps over played rows of which 3 batches are left"):
        list(source.take(4))


def test_passes_have_the_fields_that_are_asked_for(tmp_path: Path) -> None:
    run = made(tmp_path, PPO)
    run.strategy.setup(run)
    played = run.strategy.env.unroll(run.strategy.act, 5)
    (batch,) = played.epochs(1, 40, ("x", "reward")).take(1)
    assert set(batch.arrays) == {"x", "reward", "weight"}
    assert (np.asarray(batch.arrays["reward"]) == np.asarray(played["reward"])[batch.indices]).all()
    with pytest.raises(RunError, match=r"nothing named rewards was played; expected some of .* did you mean reward"):
        played.epochs(1, 16, ("x", "rewards"))


def test_a_strategy_that_cannot_play_an_environment_says_so(tmp_path: Path) -> None:
    run = made(tmp_path, PPO.replace("rl/cartpole", "rl/pendulum"))
    with pytest.raises(pt.Error) as caught:
        run.strategy.setup(run)
    assert str(caught.value).startswith(
        "[strategy ppo] the environment takes actions of 1 numbers; expected one with discrete actions; "
    )


def test_what_comes_with_it_passes_the_check(tmp_path: Path) -> None:
    powertrain("plugins", "check", "powertrain-rl", "--seconds", "300", folder=tmp_path)


RECIPES = [
    "ppo-cartpole", "ppo-acrobot", "ppo-lunar-lander", "reinforce-cartpole", "q-learning-cliff", "dqn-cartpole",
    "dqn-mountain-car", "sac-pendulum", "alphazero-tic-tac-toe", "connect-four",
]  # fmt: skip


# Whole games against a player that looks ahead, or many episodes on the host, take more than a test should.
FEWER = {
    "connect-four": ("data.env.copies=4", "strategy.matches=2", "run.evaluate.episodes=2"),
    "ppo-lunar-lander": ("strategy.horizon=32", "run.evaluate.episodes=4"),
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_begin(tmp_path: Path, recipe: str) -> None:
    if recipe == "ppo-lunar-lander":
        pytest.importorskip("Box2D", reason="powertrain-rl[box2d] is not installed")
    changes = [part for setting in FEWER.get(recipe, ()) for part in ("--set", setting)]
    results = trained(recipe, "run", "--smoke", *changes, folder=tmp_path)
    assert np.isfinite(results["env"]["return"])


def test_a_policy_leaves_home(tmp_path: Path) -> None:
    """What people do with a trained run, by the command; an environment keeps no examples for the rest."""
    (tmp_path / "small.toml").write_text(PPO, encoding="utf-8")
    powertrain("train", "small.toml", "--run", "run", "--set", "run.until=2_048 env_steps", folder=tmp_path)
    np.save(tmp_path / "seen.npy", np.zeros((3, 4), np.float32))
    assert '"action"' in powertrain("predict", "run", "seen.npy", "--json", folder=tmp_path)
    assert " 20 episodes " in powertrain("evaluate", "run", folder=tmp_path)
    for form in ("c", "wheel"):
        assert "drawn inputs" in powertrain("export", "run", "--to", form, folder=tmp_path)
    written = powertrain("export", "run", "--to", "safetensors", "--out", "torch", folder=tmp_path)
    assert "drawn inputs" in written and "def forward" in (tmp_path / "torch/model.py").read_text(encoding="utf-8")
    trained_run = pt.load(tmp_path / "run")
    assert trained_run.predict(np.zeros((3, 4), np.float32)).outputs.shape == (3, 2)
    assert len(trained_run.explain(np.zeros((3, 4), np.float32), method="gradients").values) == 3
    for method in ("nearest", "permutation"):
        with pytest.raises(RunError, match=r"\[explain .*learns in an environment"):
            trained_run.explain(np.zeros((3, 4), np.float32), method=method)
    with pytest.raises(RunError, match=r"\[quantize\] .*learns in an environment"):
        trained_run.quantize(8, activations="static")
    assert trained_run.quantize(8, folder=tmp_path / "small").metric == "return"
