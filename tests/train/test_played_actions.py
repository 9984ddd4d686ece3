"""What an environment does with the arrays that it is given, and rewards that are none."""

from __future__ import annotations

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


def source(env: type[Environment] = Leans) -> EnvSource:
    def call(act: Any, names: tuple[str, ...], arrays: tuple[Any, ...]) -> Any:
        return pt.asarray(act(*arrays))

    return EnvSource("env", env, 2, 0, call, lambda steps, returns: None)


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
