"""Environments of Gymnasium by the adapter, and what is said where they or their settings are wrong."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin.testing import killed_and_resumed, powertrain
from powertrain.recipe import load_recipe
from powertrain.train.building import build
from powertrain.train.display.display import Display
from powertrain.train.folder.run_folder import RunError, RunFolder

gymnasium = pytest.importorskip("gymnasium", reason="powertrain-rl[gymnasium] is not installed")

from powertrain_rl.errors import MakingError  # noqa: E402
from powertrain_rl.gym import Gymnasium  # noqa: E402

PPO = """\
data.env  = { use = "rl/gymnasium", id = "ID", copies = 2 }
model     = { use = "rl/actor-critic", hidden = [8] }
strategy  = { use = "rl/ppo", horizon = 32, epochs = 1, minibatch = 64 }
optimizer = { use = "adam", lr = 1e-3, clip = 0.5 }
run       = { until = "640 env_steps", save_seconds = 0, evaluate = { every = "128 env_steps", episodes = 2 } }
report    = { baseline = false }
"""


def env(name: str, **options: Any) -> Any:
    return Gymnasium.build(Gymnasium.Params(id=name, options=options))


def test_it_plays_as_gymnasium_does() -> None:
    ours, theirs = env("CartPole-v1"), gymnasium.make("CartPole-v1")
    first, _ = theirs.reset(seed=4)
    assert (ours.reset(4) == first).all() and ours.actions == 2
    for action in (1, 0, 1, 1, 0):
        seen, reward, terminated, truncated = ours.step(action)
        wanted = theirs.step(action)
        assert (seen == wanted[0]).all() and (reward, terminated, truncated) == wanted[1:4]


def test_a_limit_of_steps_truncates() -> None:
    ours = env("Pendulum-v1", max_episode_steps=3)
    assert ours.actions == pt.plugin.Box(low=(-2.0,), high=(2.0,))
    ours.reset(1)
    assert [ours.step(np.zeros(1, np.float32))[2:] for _ in range(3)] == [(False, False), (False, False), (False, True)]


def test_one_of_a_few_is_seen_as_a_row_with_a_one() -> None:
    ours = env("FrozenLake-v1", is_slippery=False)
    assert ours.reset(0).tolist() == [1.0, *[0.0] * 15] and ours.step(2)[0].argmax() == 1


def test_what_cannot_be_made_or_played_is_said() -> None:
    with pytest.raises(MakingError) as caught:
        env("NoSuchGame-v0")
    assert str(caught.value).startswith("[env gymnasium] id = 'NoSuchGame-v0': ")
    with pytest.raises(MakingError) as caught:
        env("Blackjack-v1")
    assert str(caught.value) == (
        "[env gymnasium] Blackjack-v1 has observations of Tuple; expected Box or Discrete; flatten them by a wrapper "
        "of Gymnasium's"
    )


def test_a_package_that_an_environment_needs_is_named() -> None:
    def lacking(**_: Any) -> Any:
        raise gymnasium.error.DependencyNotInstalled("Box3D is not installed")

    gymnasium.register(id="Lacking-v0", entry_point=lacking)
    with pytest.raises(MakingError) as caught:
        env("Lacking-v0")
    assert str(caught.value) == (
        "[env gymnasium] Lacking-v0 needs a package that is not installed: Box3D is not installed; "
        "expected it; pip install "
        "'powertrain-rl[box2d]' for the environments of Box2D, or the package that is named"
    )


def test_a_report_shows_the_pictures_of_an_environment(tmp_path: Path) -> None:
    pytest.importorskip("Box2D", reason="powertrain-rl[box2d] is not installed")
    text = PPO.replace('id = "ID"', 'id = "LunarLander-v3", options = { render_mode = "rgb_array" }')
    (tmp_path / "lander.toml").write_text(text.replace("640 env_steps", "128 env_steps"), encoding="utf-8")
    said = powertrain("train", "lander.toml", "--run", "run", "--json", folder=tmp_path)
    assert all(line.startswith("{") for line in said.splitlines())  # no greeting of what draws the pictures
    report = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "An episode" in report and "could not be drawn" not in report


def test_pictures_are_those_of_the_episode_that_is_played() -> None:
    """An environment of their own makes them, which follows once it is drawn: within an episode, and in the next."""
    pytest.importorskip("Box2D", reason="powertrain-rl[box2d] is not installed")
    shown: list[Any] = []
    axes: Any = SimpleNamespace(imshow=shown.append, axis=lambda _: None)
    ours = env("LunarLander-v3", render_mode="rgb_array")
    theirs = gymnasium.make("LunarLander-v3", render_mode="rgb_array")
    for seed in (3, 4):
        ours.reset(seed)
        theirs.reset(seed=seed)
        for at, action in enumerate([2, 3] * 20):
            if at in (5, 25):
                ours.draw(axes)
                assert (shown[-1] == theirs.render()).all()
            wanted = theirs.step(action)
            assert (ours.step(action)[0] == wanted[0]).all()
    assert len(shown) == 4 and (shown[0] != shown[1]).any()


@pytest.mark.parametrize("name", ["CartPole-v1", "LunarLander-v3"])
def test_it_goes_on_by_playing_again(name: str, tmp_path: Path) -> None:
    """Gymnasium's environments cannot be saved."""
    if name == "LunarLander-v3":
        pytest.importorskip("Box2D", reason="powertrain-rl[box2d] is not installed")
    killed_and_resumed(PPO.replace("ID", name), tmp_path, after="env_step 256")


class Broken(gymnasium.Env):  # type: ignore[misc,unused-ignore]
    """Goes wrong in the third step."""

    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, how: str) -> None:
        self.how, self.at = how, 0

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.at = 0
        return np.zeros(2, np.float32), {}

    def step(self, action: int) -> Any:
        self.at += 1
        wrong = self.at == 3
        if wrong and self.how == "raises":
            raise ZeroDivisionError("no wheels")
        seen = np.full(2, np.nan if wrong and self.how == "observation" else 0, np.float32)
        return seen, float("nan") if wrong and self.how == "reward" else 1.0, False, False, {}


gymnasium.register(id="Broken-v0", entry_point=Broken, disable_env_checker=True)
WRONG = {
    "raises": "raised ZeroDivisionError: no wheels; expected no exception; fix the environment, or leave out the "
              "actions that it cannot take",
    "observation": "step gave an observation that is not finite; expected numbers; look at the environment's "
                   "arithmetic, and at the actions that it got",
    "reward": "step gave the reward nan; expected one finite number; look at the environment's arithmetic",
}  # fmt: skip


@pytest.mark.parametrize("how", WRONG)
def test_an_environment_that_goes_wrong_is_named(tmp_path: Path, how: str) -> None:
    text = PPO.replace('id = "ID"', f'id = "Broken-v0", options = {{ how = "{how}" }}')
    (tmp_path / "broken.toml").write_text(text, encoding="utf-8")
    run = build(load_recipe(str(tmp_path / "broken.toml")), RunFolder(tmp_path / "run"), Display(quiet=True))
    run.strategy.setup(run)
    with pytest.raises(RunError) as caught:
        run.strategy.round(run)
    said = str(caught.value)
    assert said.startswith("[data.env] copy 0, step 2 of its episode 0: ") and said.endswith(WRONG[how])
