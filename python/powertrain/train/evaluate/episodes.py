"""Evaluation by playing: whole episodes with what a strategy predicts, the same ones each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.data.order import EVALUATION
from powertrain.plugin.environment import Environment, TracedEnvironment, uniform_rows
from powertrain.train.evaluate.evaluation import Evaluation, StoppedError, evaluating, never
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.environments import episode_seed
from powertrain.train.run.step import Step, TracedBatch
from powertrain.train.run.traced_environments import chosen_action

# An episode of an evaluation that is longer than this will not end by itself.
LONGEST_EPISODE = 100_000


class EpisodeEvaluator:
    """Plays whole episodes: the action whose score is highest, or the numbers that are predicted."""

    def __init__(self, play: Callable[[list[int], Callable[[], bool]], Any], seed: int, episodes: int) -> None:
        self._play, self._seeds = play, [episode_seed(seed, EVALUATION, number) for number in range(episodes)]
        self.metrics = {"return": None, "length": None}

    def __call__(
        self, part: str, keep: bool = False, most: int | None = None, stopped: Callable[[], bool] = never
    ) -> Evaluation:
        """The mean return and length; the same episodes each time. `stopped` is asked in between."""
        returns, lengths = self._play(self._seeds, stopped)
        wrong = np.flatnonzero(~np.isfinite(np.asarray(returns, np.float64))).tolist()
        if wrong:
            raise RunError(
                f"[evaluate] episode {wrong[0]} has the return {returns[wrong[0]]}; expected a finite number; look at "
                "the rewards of the environment"
            )
        values = {"return": float(np.mean(returns, dtype=np.float64)), "length": float(np.mean(lengths))}
        return Evaluation(part, values, len(self._seeds))


class OneByOne:
    """Episodes of an environment, one after the other, with `predict` for one observation."""

    def __init__(self, env: Environment, predict: Callable[[Any], Any]) -> None:
        self._env, self._predict = env, predict

    def __call__(self, seeds: list[int], stopped: Callable[[], bool]) -> tuple[list[float], list[int]]:
        played = []
        for seed in seeds:
            if stopped():
                raise StoppedError
            played.append(play_episode(self._env, self._predict, seed))
        return [total for total, _ in played], [length for _, length in played]


def play_episode(
    env: Environment,
    predict: Callable[[Any], Any],
    seed: int,
    look: Callable[[int], None] = lambda length: None,
) -> tuple[float, int]:
    """The return and the length of one episode. `look` is called before the first step and after each."""
    dtype = np.asarray(env.observation).dtype
    observation, total = env.reset(seed), 0.0
    look(0)
    for length in range(1, LONGEST_EPISODE + 1):
        scores = predict(np.asarray(observation, dtype=dtype)[None])
        action = chosen_action(env.actions, pt.asarray(scores)).numpy()[0]
        observation, reward, terminated, truncated = env.step(action if action.ndim else int(action))
        total += float(reward)
        look(length)
        if terminated or truncated:
            return total, length
    raise RunError(
        f"[evaluate] an episode took more than {LONGEST_EPISODE:,} steps; expected one that ends; end it in the "
        "environment after a number of steps"
    )


class SideBySide:
    """Episodes of a traced environment, all at once, in one compiled loop until the last of them is over."""

    def __init__(self, env: TracedEnvironment, strategy: Any, modules: Mapping[str, Any], backend: Any = None) -> None:
        self._env, self._strategy, self._modules = env, strategy, modules
        self._program = pt.compile(self._episodes, backend=backend)

    def __call__(self, seeds: list[int], stopped: Callable[[], bool]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        if stopped():
            raise StoppedError
        with evaluating(self._modules):
            returns, lengths = self._program(uniform_rows(self._env, seeds))
        return returns.numpy(), lengths.numpy()

    def _episodes(self, uniform: Any) -> tuple[Any, Any]:
        env, count = self._env, uniform.shape[0]
        first = dict(env.begin(uniform))
        going = pt.ones(count, dtype="bool")

        def step(now: Any) -> Any:
            state, total, length, going = now
            scores = self._strategy.predict(Step(), TracedBatch(("x",), (env.see(state),)))
            after, reward, terminated = env.advance(state, chosen_action(env.actions, scores))
            total, length = total + pt.where(going, reward, 0.0), length + pt.astype(going, length.dtype)
            going = pt.logical_and(going, pt.logical_not(pt.logical_or(terminated, length >= env.longest)))
            return dict(after), total, length, going

        last = pt.while_loop(
            lambda now: pt.any(now[3]), step, (first, pt.zeros(count), pt.zeros(count, dtype="int64"), going)
        )
        return last[1], last[2]
