"""What an environment does with the arrays that it is given, and rewards that are none."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import Box, Environment
from powertrain.train.evaluate.episodes import OnHost
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.environments import EnvSource


class Leans(Environment):
    """Its place follows a tenth of the action, which it makes of the array that it got."""

    observation, actions = np.zeros(1, np.float32), Box(low=(-1.0,), high=(1.0,))
    REWARD: Any = 1.0

    def reset(self, seed: int) -> Any:
        self.place = np.float32(seed % 7)
        return [self.place]

    def step(self, action: Any) -> Any:
        action *= np.float32(0.1)
        self.place = self.place + action[0]
        return [self.place], self.REWARD, False, False


def source(env: type[Environment] = Leans, said: list[str] | None = None) -> EnvSource:
    def call(act: Any, names: tuple[str, ...], arrays: tuple[Any, ...]) -> Any:
        return pt.asarray(act(*arrays))

    heard: list[str] = [] if said is None else said
    return EnvSource("env", env, 2, 0, call, lambda steps, returns: None, heard.append)


def act(x: Any, weight: Any) -> Any:
    return np.full((len(x), 1), 0.5, np.float32)


def test_an_action_that_is_changed_in_place_is_kept_as_it_was() -> None:
    whole, first = source(), source()
    whole.unroll(act, 8)
    first.unroll(act, 5)
    saved = {name: value.copy() for name, value in first.arrays().items()}
    assert (saved["data.env.actions"] == 0.5).all()
    for _ in range(2):  # what was restored is restored again
        second = source()
        second.restore(saved)
        assert (saved["data.env.actions"] == 0.5).all() and (second.arrays()["data.env.actions"] == 0.5).all()
    second.unroll(act, 3)
    assert np.array_equal(whole.unroll(act, 1)["x"], second.unroll(act, 1)["x"])


@pytest.mark.parametrize("reward", [None, "much", 1e300, [1.0], float("nan")])
def test_a_reward_that_is_no_finite_number_is_refused(reward: Any) -> None:
    class Pays(Leans):
        pass

    Pays.REWARD = reward
    with pytest.raises(RunError, match=r"step gave the reward .*; expected one finite number"):
        source(Pays).unroll(act, 1)


def test_an_environment_that_raises_at_a_resume_is_named() -> None:
    first = source()
    first.unroll(act, 3)

    class Breaks(Leans):
        def step(self, action: Any) -> Any:
            raise ValueError("no power")

    with pytest.raises(RunError, match=r"copy 0, .* raised ValueError: no power"):
        source(Breaks).restore(first.arrays())


def evaluated(env: type[Environment]) -> tuple[Any, Any]:
    """Two copies that play three evaluated episodes."""

    def predict(x: Any) -> Any:
        return np.full((len(x), 1), 0.5, np.float32)

    return OnHost(env, 2, predict)([3, 4, 5], lambda: False)


class Ends(Leans):
    """Three steps long."""

    def reset(self, seed: int) -> Any:
        self.steps = 0
        return super().reset(seed)

    def step(self, action: Any) -> Any:
        self.steps += 1
        gave = super().step(action)
        return (*gave[:3], self.steps == 3)


def test_evaluated_episodes_are_looked_at_as_trained_ones_are() -> None:
    returns, lengths = evaluated(Ends)
    assert returns.tolist() == [3.0] * 3 and lengths.tolist() == [3] * 3

    class Pays(Ends):
        REWARD = None

    with pytest.raises(RunError, match=r"\[evaluate\] step 0 of episode 0: step gave the reward None"):
        evaluated(Pays)

    class Falls(Ends):
        def step(self, action: Any) -> Any:
            if self.steps == 2:
                raise OSError("the motor is hot")
            return super().step(action)

    with pytest.raises(RunError, match=r"\[evaluate\] step 2 of episode 0: step\(.*\) raised .*the motor is hot"):
        evaluated(Falls)

    class Widens(Ends):
        def step(self, action: Any) -> Any:
            return [1.0, 2.0], 1.0, False, False

    with pytest.raises(RunError, match=r"\[evaluate\] step gave an observation of shape \[2\]; expected \[1\]"):
        evaluated(Widens)


@pytest.mark.parametrize(
    ("dtype", "seen", "text"),
    [
        ("uint8", [300], r"copy 0, step 0 .*: step gave an observation of int64 with values that uint8 does not hold"),
        ("int64", [0.5], "of float64 with values that int64 does not hold; expected int64, as `observation` says"),
        ("bool", [2], "of int64 with values that bool does not hold"),
        ("float32", ["much"], r"step gave an observation of <U4; expected float32\[1\], as `observation` says"),
        ("float32", [[1.0], [1.0, 2.0]], "step gave an observation of object; expected float32"),
        ("float32", [1e300], "step gave an observation that is not finite"),
        ("float32", [1j], "step gave an observation of complex128; expected float32"),
    ],
)
def test_an_observation_that_its_dtype_does_not_hold_is_refused(dtype: str, seen: Any, text: str) -> None:
    class Sees(Leans):
        observation = np.zeros(1, dtype)

        def reset(self, seed: int) -> Any:
            return [1]

        def step(self, action: Any) -> Any:
            return seen, 1.0, False, False

    with pytest.raises(RunError, match=text):
        source(Sees).unroll(act, 1)


def test_an_observation_of_another_dtype_that_fits_is_kept() -> None:
    class Sees(Leans):
        observation = np.zeros(1, np.uint8)

        def step(self, action: Any) -> Any:
            return [200.0], 1.0, False, False

    assert source(Sees).unroll(act, 2)["next"].tolist() == [[200]] * 4


def test_a_number_of_actions_may_be_one_of_numpy() -> None:
    class Coin(Leans):
        actions = np.int64(2)

        def step(self, action: Any) -> Any:
            return [float(action)], 1.0, False, False

    assert source(Coin).unroll(lambda x, weight: np.ones(len(x), np.int64), 1)["action"].tolist() == [1, 1]
    with pytest.raises(pt.Error, match=r"\[Dime\] actions = .*2\.5; expected a whole number"):
        type("Dime", (Leans,), {"actions": np.float64(2.5)})


class Wanders(Leans):
    """Moves by a number that no seed says, in its observation, its reward or the end of its episode."""

    COUNT = itertools.count()
    WHAT = "place"

    def step(self, action: Any) -> Any:
        number = float(next(self.COUNT))
        ends = self.WHAT == "end" and number >= 6
        return [number if self.WHAT == "place" else 0.0], number if self.WHAT == "reward" else 1.0, ends, False


@pytest.mark.parametrize("what", ["place", "reward", "end"])
def test_an_episode_that_comes_out_otherwise_at_a_resume_is_said(what: str) -> None:
    class Other(Wanders):
        COUNT, WHAT = itertools.count(), what

    said: list[str] = []
    first, second = source(Other), source(Other, said)
    first.unroll(act, 3)
    second.restore(first.arrays())
    assert said == [
        "[data.env] the episodes of copies 0, 1 came out otherwise when their actions were played again, so the run "
        "goes on with others; expected what depends on seed and actions alone; draw from np.random.default_rng(seed), "
        "or add state() and restore()"
    ]
    assert second.arrays()["data.env.lengths"].tolist() == ([0, 0] if what == "end" else [3, 3])
    second.unroll(act, 3)


def test_an_episode_that_comes_out_the_same_at_a_resume_needs_no_word() -> None:
    said: list[str] = []
    first, second = source(), source(said=said)
    first.unroll(act, 5)
    saved = dict(first.arrays())
    second.restore(saved)
    assert not said and all(np.array_equal(value, saved[name]) for name, value in second.arrays().items())
    del saved["data.env.seen"]  # of an earlier version
    assert source().misfits(saved) == []
    second.restore(saved)
    assert not said
