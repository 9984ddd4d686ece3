"""Environments by copies: played on the host and in one program alike, and what is said where one is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data.order import EPISODES
from powertrain.errors.methods import overridden
from powertrain.plugin import Box, Environment, FieldError, TracedEnvironment
from powertrain.recipe import load_recipe
from powertrain.train.building import build
from powertrain.train.display.display import Display
from powertrain.train.evaluate.episodes import EpisodeEvaluator, OneByOne
from powertrain.train.folder.run_folder import RunError, RunFolder
from powertrain.train.run.environments import episode_seed

CODE = '''
import numpy as np
import powertrain as pt
from powertrain.plugin import Box, Environment, Strategy, TracedEnvironment

class Walk(TracedEnvironment):
    """A place on a line; beyond 1 on either side an episode is over."""
    observation, actions, draws, longest = np.zeros(2, np.float32), 2, 1, 9
    def begin(self, uniform):
        return {"place": uniform[:, 0] - 0.5, "steps": pt.zeros(uniform.shape[0], dtype="int32")}
    def see(self, state):
        return pt.stack([state["place"], pt.astype(state["steps"], "float32")], axis=1)
    def advance(self, state, action):
        place = state["place"] + pt.where(action == 1, 0.3, -0.2)
        return {"place": place, "steps": state["steps"] + 1}, place * 2, abs(place) > 1

class Half(Walk):
    def begin(self, uniform): return {"place": uniform[0], "steps": uniform[:, 0]}

class Narrow(Walk):
    def see(self, state): return state["place"]

class Divides(Walk):
    def advance(self, state, action):
        after, reward, over = Walk.advance(self, state, action)
        return after, reward / (state["steps"] - 3), over

class Motor(Environment):
    observation, actions = np.zeros(1, np.float32), Box(low=(-1.0, 0.0), high=(1.0, 2.0))
    def reset(self, seed):
        self.at = np.float32(seed % 7)
        return np.array([self.at])
    def step(self, action):
        self.at = np.float32(self.at + action.sum())
        return np.array([self.at]), float(action[0]), False, abs(self.at) > 9

class Three(Motor):
    def step(self, action): return super().step(action)[:3]

class Plays(Strategy):
    def setup(self, run): self.net, self.opt, self.env = run.model(), run.optim(), run.env()
    def act(self, t, batch):
        scores = self.net(batch.x)
        return pt.argmax(scores + t.rng.gumbel(size=tuple(scores.shape)) + t.rng.normal(size=scores.shape), axis=1)
    def push(self, t, batch): return pt.clip(self.net(batch.x) + t.rng.normal(size=(batch.x.shape[0], 2)), 0.0, 1.0)
    def learn(self, t, batch): t.minimize(self.opt, pt.sum(self.net(batch.x), axis=1) * batch.reward, batch.weight)
    def round(self, run): run.loop(self.learn, self.env.unroll(self.act, 8).epochs(2, 12))
    def predict(self, t, batch): return self.net(batch.x)
'''
RECIPE = """\
data.env  = { use = "./env.py:KIND", copies = 3 }
model     = { use = "mlp", hidden = [8] }
optimizer = { use = "adam", lr = 1e-2 }
strategy  = "./env.py:Plays"
run       = { until = "240 env_steps", evaluate = { every = "120 env_steps", episodes = 6 } }
"""


def made(folder: Path, kind: str) -> Any:
    (folder / "env.py").write_text(CODE)
    (folder / "small.toml").write_text(RECIPE.replace("KIND", kind))
    run = build(load_recipe(str(folder / "small.toml")), RunFolder(folder / "run"), Display(quiet=True))
    run.strategy.setup(run)
    return run


def test_copies_in_one_program_play_what_one_does_alone(tmp_path: Path) -> None:
    """The first episode of each copy, by the actions that its policy took."""
    run = made(tmp_path, "Walk")
    source = run.strategy.env
    played = source.unroll(run.strategy.act, 30)
    rows = {name: np.asarray(played[name]).reshape(30, 3, *np.asarray(played[name]).shape[1:]) for name in played}
    over = set()
    for copy in range(3):
        env = source.another()
        seen = env.reset(episode_seed(run.sources._seed("env"), EPISODES, copy))
        for at in range(30):
            assert (rows["x"][at, copy] == seen).all()
            seen, reward, terminated, truncated = env.step(int(rows["action"][at, copy]))
            assert (rows["next"][at, copy] == seen).all() and rows["reward"][at, copy] == np.float32(reward)
            assert rows["terminated"][at, copy] == terminated and rows["done"][at, copy] == (terminated or truncated)
            if terminated or truncated:
                over.add("terminated" if terminated else "truncated")
                break
    assert over and run.progress.env_steps == 90
    ended = rows["done"].sum()
    assert ended > 3 and run.table.logs.means()["return"] != 0


def test_a_checkpoint_holds_where_traced_copies_stand(tmp_path: Path) -> None:
    run = made(tmp_path, "Walk")
    run.strategy.round(run)
    names = {name for name in run.table.snapshot() if name.startswith("data.env")}
    assert names == {"data.env.state.place", "data.env.state.steps", "data.env.age", "data.env.return"}
    saved = {name: np.array(value) for name, value in run.table.snapshot().items()}
    run.strategy.round(run)
    after = {name: np.array(value) for name, value in run.table.snapshot().items()}
    (tmp_path / "again").mkdir()
    again = made(tmp_path / "again", "Walk")
    assert again.table.load(saved) == []
    again.strategy.round(again)
    assert all((value == after[name]).all() for name, value in again.table.snapshot().items())


def test_evaluation_side_by_side_is_that_of_one_by_one(tmp_path: Path) -> None:
    run = made(tmp_path, "Walk")
    run.evaluations.prepare()
    together = run.evaluations.evaluator("env")
    alone = OneByOne(run.strategy.env.another(), run.evaluations.predict)
    one_by_one = EpisodeEvaluator(alone, run.recipe.run.seed, 6)("env")
    assert together.values["length"] == one_by_one.values["length"] > 1 and together.examples == 6
    assert abs(together.values["return"] - one_by_one.values["return"]) < 1e-5


def test_actions_of_numbers_are_played_and_played_again(tmp_path: Path) -> None:
    run = made(tmp_path, "Motor")
    played = run.strategy.env.unroll(run.strategy.push, 20)
    assert played["action"].shape == (60, 2) and run.dataset.outputs == 2
    assert played["done"].sum() > 0 and not played["terminated"].any()
    saved = {name: np.array(value) for name, value in run.table.snapshot().items()}
    after = run.strategy.env.unroll(run.strategy.push, 5)
    (tmp_path / "again").mkdir()
    again = made(tmp_path / "again", "Motor")
    assert again.table.load(saved) == []
    resumed = again.strategy.env.unroll(again.strategy.push, 5)
    assert all((resumed[name] == after[name]).all() for name in ("x", "action", "reward", "done"))
    outside = {**saved, "data.env.actions": saved["data.env.actions"] + np.float32(9)}
    assert again.table.load(outside) == ["data.env.actions is missing or not what the environment takes"]


SAID = {
    "Half": "[data.env] begin gave place of shape [1] for 3 copies; expected [3, ...]; make each part of the state a "
            "row for each copy",
    "Narrow": "[data.env] see gave observations of shape [3]; expected [3, 2], as `observation` says; fix the "
              "environment",
    "Divides": "[data.env] advance gave a reward that is not finite; expected numbers; look at the environment's "
               "arithmetic, and at the actions that it got",
    "Three": "[data.env] step gave 3; expected four things: observation, reward, terminated, truncated; give False for "
             "truncated where the environment has no limit of steps",
}  # fmt: skip


@pytest.mark.parametrize("kind", SAID)
def test_what_is_wrong_with_an_environment_is_said(tmp_path: Path, kind: str) -> None:
    with pytest.raises(RunError) as caught:
        run = made(tmp_path, kind)
        run.strategy.env.unroll(run.strategy.push if kind == "Three" else run.strategy.act, 12)
    assert str(caught.value) == SAID[kind]


def test_actions_out_of_bounds_are_said(tmp_path: Path) -> None:
    run = made(tmp_path, "Motor")
    with pytest.raises(RunError) as caught:
        run.strategy.env.unroll(lambda t, batch: pt.zeros((3, 2)) - 1.5, 1)
    assert str(caught.value) == (
        "[unroll] act gave actions -1.5 to -1.5; expected numbers from [-1.0, 0.0] to [1.0, 2.0]; clip them"
    )
    with pytest.raises(RunError, match=r"\[unroll\] act gave float32\[3\]; expected float32\[3, 2\], a row of numbers"):
        run.strategy.env.unroll(lambda t, batch: pt.zeros(3), 1)
    with pytest.raises(FieldError) as wrong:
        Box(low=(1.0,), high=(1.0,))
    assert str(wrong.value).startswith("[Box] received low = (1.0,), high = (1.0,); expected as many finite numbers")


def test_a_traced_environment_is_an_environment() -> None:
    assert issubclass(TracedEnvironment, Environment) and overridden(TracedEnvironment, "state")
    assert not overridden(TracedEnvironment, "draw")
