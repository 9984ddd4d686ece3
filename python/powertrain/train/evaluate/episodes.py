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
from powertrain.train.run.playing import Player
from powertrain.train.run.step import Step, TracedBatch
from powertrain.train.run.traced_environments import chosen_action

# An episode that is longer than this will not end by itself.
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


class OnHost:
    """Episodes of an environment that is played on the host: some copies side by side, with one call of `predict` for
    all of them at each step. A copy whose episode is over takes the next one."""

    def __init__(self, make: Callable[[], Environment], copies: int, predict: Callable[[Any], Any]) -> None:
        self._make, self._copies, self._predict = make, copies, predict
        self._players: list[Player] = []
        self._lengths: NDArray[np.int64] = np.zeros(0, np.int64)
        self._playing: dict[int, int] = {}  # copies, and the episode that each plays

    def __call__(self, seeds: list[int], stopped: Callable[[], bool]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        count = min(self._copies, len(seeds))
        self._players += [self._player(at) for at in range(len(self._players), count)]
        players, following = self._players[:count], iter(range(count, len(seeds)))
        returns, lengths = np.zeros(len(seeds)), np.zeros(len(seeds), np.int64)
        playing = {at: at for at in range(count)}
        self._lengths, self._playing = lengths, playing
        seen = [player.reset(seed) for player, seed in zip(players, seeds, strict=False)]
        while playing:
            if stopped():
                raise StoppedError
            actions = chosen_action(players[0].env.actions, pt.asarray(self._predict(np.stack(seen)))).numpy()
            for at, episode in list(playing.items()):
                seen[at], reward, terminated, truncated = players[at].step(playable(actions[at]))
                returns[episode] += float(reward)
                lengths[episode] += 1
                if not (terminated or truncated):
                    demand_short(int(lengths[episode]))
                elif (new := next(following, None)) is None:
                    del playing[at]
                else:
                    playing[at] = new
                    seen[at] = players[at].reset(seeds[new])
        return returns, lengths

    def _player(self, at: int) -> Player:
        def where() -> str:
            return f"step {self._lengths[self._playing[at]]} of episode {self._playing[at]}"

        return Player(self._make(), "evaluate", where)


def play_episode(
    env: Environment,
    predict: Callable[[Any], Any],
    seed: int,
    look: Callable[[int], None] = lambda length: None,
) -> tuple[float, int]:
    """The return and the length of one episode. `look` is called before the first step and after each."""
    total, length, over = 0.0, 0, False
    player = Player(env, "evaluate", lambda: f"step {length} of an episode")
    seen = player.reset(seed)
    look(0)
    while not over:
        demand_short(length)
        action = chosen_action(env.actions, pt.asarray(predict(seen[None]))).numpy()[0]
        seen, reward, terminated, truncated = player.step(playable(action))
        over = terminated or truncated
        total, length = total + float(reward), length + 1
        look(length)
    return total, length


def playable(action: Any) -> Any:
    """An action as an environment takes it: its number, or a row of numbers."""
    return action if action.ndim else int(action)


def demand_short(length: int) -> None:
    """Refuse an episode that goes on for ever."""
    if length >= LONGEST_EPISODE:
        raise RunError(
            f"[evaluate] an episode took more than {LONGEST_EPISODE:,} steps; expected an end; end the episode in the "
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
