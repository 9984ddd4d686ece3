"""Classic control: the dynamics are Gymnasium's, step by step; copies know nothing of each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import Box, registry
from powertrain.plugin.environment import uniform_rows

gymnasium = pytest.importorskip("gymnasium", reason="powertrain-rl[gymnasium] is not installed")

NAMES = {
    "cartpole": "CartPole-v1",
    "mountain-car": "MountainCar-v0",
    "acrobot": "Acrobot-v1",
    "pendulum": "Pendulum-v1",
}
STEPS = 400


def made(name: str, **params: Any) -> Any:
    plugin = registry().load("env", f"rl/{name}")
    return plugin.build(plugin.Params(**params))


def actions_of(space: Any, count: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    if isinstance(space, Box):
        return rng.uniform(space.low, space.high, (count, space.size)).astype(np.float32)
    return rng.integers(0, space, count)


def state_of(name: str, state: Any) -> dict[str, Any]:
    """The state of Gymnasium's environment as ours."""
    names = {"cartpole": ("place", "speed", "angle", "spin"), "mountain-car": ("place", "speed"),
             "acrobot": ("angle", "bend", "spin", "bend_spin"), "pendulum": ("angle", "spin")}[name]  # fmt: skip
    return {part: pt.tensor(np.float32([value])) for part, value in zip(names, state, strict=True)}


@pytest.mark.parametrize("name", NAMES)
def test_each_step_is_that_of_gymnasium(name: str) -> None:
    """From the same state, by the same action: so that differences do not grow as those of chaos do."""
    ours, theirs = made(name), gymnasium.make(NAMES[name]).unwrapped
    ended = 0
    for episode in range(8):
        theirs.reset(seed=episode)
        for action in actions_of(ours.actions, STEPS, episode):
            before = np.array(theirs.state, np.float64)
            state, reward, terminated = ours.advance(state_of(name, before), pt.tensor(action[None]))
            seen, wanted, over, _, _ = theirs.step(action)
            np.testing.assert_allclose(ours.see(state).numpy()[0], seen, rtol=1e-5, atol=2e-5)
            assert abs(reward.numpy()[0] - wanted) <= 1e-5 * max(1.0, abs(wanted))
            edge = name != "pendulum" and near_the_edge(name, theirs.state)
            assert bool(terminated.numpy()[0]) == over or edge
            if over:
                ended += 1
                break
    assert ended or name != "cartpole"


def near_the_edge(name: str, state: Any) -> bool:
    """Where float32 and float64 may differ on whether an episode is over."""
    limits = {"cartpole": lambda s: min(abs(abs(s[0]) - 2.4), abs(abs(s[2]) - 12 * np.pi / 180)),
              "mountain-car": lambda s: abs(s[0] - 0.5),
              "acrobot": lambda s: abs(-np.cos(s[0]) - np.cos(s[1] + s[0]) - 1.0)}  # fmt: skip
    return float(limits[name](state)) < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_whole_episodes_stay_together(name: str) -> None:
    """From a common start, by the same actions, over as many steps as float32 keeps them together."""
    ours, theirs = made(name), gymnasium.make(NAMES[name]).unwrapped
    theirs.reset(seed=3)
    state = state_of(name, np.array(theirs.state, np.float64))
    for action in actions_of(ours.actions, 40, 5):
        state, _, terminated = ours.advance(state, pt.tensor(action[None]))
        seen, _, over, _, _ = theirs.step(action)
        np.testing.assert_allclose(ours.see(state).numpy()[0], seen, rtol=1e-3, atol=1e-3)
        assert bool(terminated.numpy()[0]) == over
        if over:
            break


@pytest.mark.parametrize("name", NAMES)
def test_episodes_begin_where_gymnasium_lets_them(name: str) -> None:
    ours, theirs = made(name), gymnasium.make(NAMES[name]).unwrapped
    begun = ours.begin(pt.tensor(uniform_rows(ours, list(range(2000)))))
    starts = np.stack([value.numpy() for value in begun.values()], axis=1)
    others = []
    for seed in range(2000):
        theirs.reset(seed=seed)
        others.append(np.array(theirs.state))
    low, high = np.min(others, axis=0), np.max(others, axis=0)
    width = np.maximum(high - low, 1e-6)
    assert (starts >= low - 0.01 * width).all() and (starts <= high + 0.01 * width).all()
    assert (np.abs(starts.std(axis=0) - np.std(others, axis=0)) <= 0.05 * width).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_limits_of_steps_are_gymnasiums(name: str) -> None:
    ours = made(name)
    assert ours.longest == gymnasium.spec(NAMES[name]).max_episode_steps
    space = gymnasium.make(NAMES[name]).action_space
    if isinstance(ours.actions, Box):
        assert np.allclose(ours.actions.low, space.low) and np.allclose(ours.actions.high, space.high)
    else:
        assert ours.actions == space.n
    assert ours.observation.shape == gymnasium.make(NAMES[name]).observation_space.shape


def test_an_episode_is_truncated_and_not_terminated_by_its_limit() -> None:
    env = made("pendulum", longest=3)
    env.reset(seed=1)
    ends = [env.step(np.zeros(1, np.float32))[2:] for _ in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_alone_and_among_others_is_the_same(name: str) -> None:
    ours = made(name)
    uniform = uniform_rows(ours, [1, 2, 3])
    actions = actions_of(ours.actions, 30, 7)

    def roll(uniform: Any, actions: Any) -> Any:
        def step(state: Any, action: Any) -> Any:
            after, reward, terminated = ours.advance(state, action)
            return after, (ours.see(after), reward, terminated)

        return pt.scan(step, dict(ours.begin(uniform)), actions)[1]

    together = [part.numpy() for part in roll(uniform, np.repeat(actions[:, None], 3, axis=1))]
    for at in range(3):
        alone = [part.numpy() for part in pt.compile(roll)(uniform[at : at + 1], actions[:, None])]
        assert all((one[:, 0] == all_of[:, at]).all() for one, all_of in zip(alone, together, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_state_is_drawn(name: str) -> None:
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    from matplotlib.figure import Figure

    env = made(name)
    env.reset(seed=0)
    axes = Figure().add_subplot()
    env.draw(axes)
    assert axes.lines
