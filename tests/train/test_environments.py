"""Environments by copies: played on the host and in one program alike, and what is said where one is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data.order import EPISODES, EVALUATION
from powertrain.errors.methods import overridden
from powertrain.plugin import Box, Environment, FieldError, TracedEnvironment
from powertrain.recipe import load_recipe
from powertrain.train.building import build
from powertrain.train.display.display import Display
from powertrain.train.evaluate import episodes
from powertrain.train.evaluate.episodes import OnHost, play_episode
from powertrain.train.evaluate.evaluation import StoppedError
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

class Lost(Walk):
    def begin(self, uniform): return {**Walk.begin(self, uniform), "place": pt.log(uniform[:, 0] - 2)}

class Divides(Walk):
    def advance(self, state, action):
        after, reward, over = Walk.advance(self, state, action)
        return after, reward / (state["steps"] - 3), over

class Nothing(Walk):
    actions = 0

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


def made(folder: Path, kind: str, *changes: str) -> Any:
    (folder / "env.py").write_text(CODE)
    (folder / "small.toml").write_text(RECIPE.replace("KIND", kind))
    recipe = load_recipe(str(folder / "small.toml"), list(changes))
    run = build(recipe, RunFolder(folder / "run"), Display(quiet=True))
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


def rates(run: Any) -> list[float]:
    """The rate after each round of a whole run, as a share of the first one."""
    found = []
    while not run.done:
        run.strategy.round(run)
        run.progress.rounds += 1
        found.append(run.strategy.opt.scheduled_lr.item() / 1e-2)
    return found


def test_a_schedule_ends_with_the_run(tmp_path: Path) -> None:
    """Ten rounds of 24 steps in the environment and 4 updates: neither count is the other."""
    found = rates(made(tmp_path, "Walk", "optimizer.schedule=cosine"))
    wanted = [0.5 + 0.5 * np.cos(np.pi * (at + 1) / 10) for at in range(10)]
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    more = rates(made(tmp_path, "Walk", "optimizer.schedule=cosine", "run.until=230 env_steps"))
    assert len(more) == 10 and more[-1] == 0  # the last round goes beyond the target, and the rate does not rise again


@pytest.mark.parametrize(("until", "last"), [("10 rounds", 0.1), ("40 steps", 0.0)])
def test_a_schedule_ends_with_a_run_of_any_unit(tmp_path: Path, until: str, last: float) -> None:
    changes = ('optimizer.schedule="polynomial"', f"run.until={until}", f"run.evaluate.every={until}")
    found = rates(made(tmp_path, "Walk", *changes))
    assert len(found) == 10 and abs(found[-1] - last) < 1e-9


def test_warm_up_and_lengths_that_are_given_count_updates(tmp_path: Path) -> None:
    run = made(tmp_path, "Walk", 'optimizer.schedule={use="cosine", warmup=6}')
    found = rates(run)
    assert abs(found[0] - 5 / 7) < 1e-9 and found[1] > 0.89 and found[-1] < 1e-9
    assert run.strategy.opt.updates.numpy() == 40
    assert rates(made(tmp_path, "Walk", 'optimizer.schedule={use="cosine", T_max=80}'))[-1] == pytest.approx(0.5)
    halves = rates(made(tmp_path, "Walk", 'optimizer.schedule={use="step", step_size=20, gamma=0.5}'))
    assert halves == [1.0] * 4 + [0.5] * 5 + [0.25]


def test_a_resumed_run_takes_up_its_rate(tmp_path: Path) -> None:
    run = made(tmp_path, "Walk", "optimizer.schedule=cosine")
    for _ in range(3):
        run.strategy.round(run)
    saved = {name: np.array(value) for name, value in run.table.snapshot().items()}
    run.strategy.round(run)
    (tmp_path / "again").mkdir()
    again = made(tmp_path / "again", "Walk", "optimizer.schedule=cosine")
    assert again.table.load(saved) == []
    again.strategy.round(again)
    after = again.table.snapshot()
    assert all((np.array(value) == after[name]).all() for name, value in run.table.snapshot().items())


def pushed(x: Any) -> Any:
    """Actions of `Motor` by which its episodes end."""
    return np.stack([0.1 * x[:, 0], np.full(len(x), 0.5, np.float32)], axis=1)


@pytest.mark.parametrize("copies", [1, 2, 4, 9])
@pytest.mark.parametrize("kind", ["Walk", "Motor"])
def test_episodes_side_by_side_are_those_that_are_played_alone(tmp_path: Path, kind: str, copies: int) -> None:
    run = made(tmp_path, kind)
    run.evaluations.prepare()
    make, predict = run.strategy.env.another, run.evaluations.predict if kind == "Walk" else pushed
    seeds = [episode_seed(run.recipe.run.seed, EVALUATION, number) for number in range(6)]
    alone = [play_episode(make(), predict, seed) for seed in seeds]
    assert len({length for _, length in alone}) > 1
    returns, lengths = OnHost(make, copies, predict)(seeds, lambda: False)
    assert lengths.tolist() == [length for _, length in alone]
    np.testing.assert_allclose(returns, [total for total, _ in alone], rtol=1e-5, atol=1e-5)
    if kind == "Walk":  # which is evaluated in one program
        found = run.evaluations.evaluator("env")
        assert found.values["length"] == lengths.mean() and found.examples == 6
        assert found.values["return"] == pytest.approx(returns.mean(), abs=1e-5)


def test_the_model_is_asked_once_for_all_copies_of_an_evaluation(tmp_path: Path) -> None:
    make, asked = made(tmp_path, "Motor").strategy.env.another, list[int]()

    def predict(x: Any) -> Any:
        asked.append(len(x))
        return pushed(x)

    _, lengths = OnHost(make, 3, predict)(list(range(6)), lambda: False)
    assert set(asked) == {3} and len(asked) < lengths.sum() / 1.5
    asked.clear()
    with pytest.raises(StoppedError):
        OnHost(make, 3, predict)(list(range(6)), lambda: len(asked) == 2)
    assert asked == [3, 3]


def test_an_episode_that_does_not_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = made(tmp_path, "Motor").strategy.env.another
    monkeypatch.setattr(episodes, "LONGEST_EPISODE", 5)
    ways: list[Any] = [
        lambda: OnHost(make, 2, lambda x: np.zeros((len(x), 2), np.float32))([1, 2, 3], lambda: False),
        lambda: play_episode(make(), lambda x: np.zeros((len(x), 2), np.float32), 1),
    ]
    for way in ways:
        with pytest.raises(RunError, match=r"\[evaluate\] an episode took more than 5 steps; expected an end"):
            way()


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
    "Lost": "[data.env] begin gave place with numbers that are not finite; expected finite ones; look at the "
            "environment's arithmetic",
    "Nothing": "[env ./env.py:Nothing] actions = 0; expected how many there are, a whole number >= 1, or a Box; set it "
               "in the class, or in __init__ where it depends on a parameter",
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


def test_copies_stand_where_they_stood_after_what_went_wrong(tmp_path: Path) -> None:
    run = made(tmp_path, "Divides")
    run.strategy.env.unroll(run.strategy.act, 2)
    before = {name: np.array(slot.numpy()) for name, slot in run.strategy.env.slots.items()}
    with pytest.raises(RunError, match="advance gave a reward that is not finite"):
        run.strategy.env.unroll(run.strategy.act, 12)
    with pytest.raises(RunError, match=r"\[unroll\] act gave actions 5 to 5; expected 0 to 1"):
        run.strategy.env.unroll(lambda t, batch: pt.full((3,), 5, dtype="int64"), 1)
    assert all((slot.numpy() == before[name]).all() for name, slot in run.strategy.env.slots.items())
    assert run.progress.env_steps == 6


def test_an_evaluation_without_a_finite_return_is_said(tmp_path: Path) -> None:
    run = made(tmp_path, "Divides")
    run.evaluations.prepare()
    with pytest.raises(RunError, match=r"\[evaluate\] episode \d has the return -?(inf|nan); expected a finite number"):
        run.evaluations.evaluator("env")


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
