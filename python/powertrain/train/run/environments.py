"""Environments as a run sees them: several copies side by side, whose place in their episodes a checkpoint holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.order import EPISODES, EVALUATION, raw_bits
from powertrain.errors.methods import overridden
from powertrain.train.evaluate.evaluation import Evaluation, StoppedError, never
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.progress import counts

if TYPE_CHECKING:
    from powertrain.plugin.learning import Environment

# An episode of an evaluation that is longer than this will not end by itself.
LONGEST_EPISODE = 100_000
Arrays = dict[str, NDArray[Any]]


def episode_seed(seed: int, stream: int, number: int) -> int:
    """The seed of an episode, by its number."""
    return int(raw_bits(seed, stream, number, 1)[0] >> np.uint64(1))


class EnvSource:
    """Some copies of an environment. `unroll` plays them on; where each stands is part of every checkpoint."""

    def __init__(self, role: str, make: Callable[[], Environment], copies: int, seed: int) -> None:
        self.role, self._seed = role, seed
        self.envs = [make() for _ in range(copies)]
        self.actions = int(self.envs[0].actions)
        self.act: Callable[[Any, NDArray[Any]], NDArray[Any]]  # the run sets both
        self.ended: Callable[[int, list[float]], None]
        self._episodes = np.zeros(copies, dtype=np.int64)
        self._returns = np.zeros(copies)
        self._actions: list[list[int]] = [[] for _ in self.envs]
        self._observations = [self._begin(at) for at in range(copies)]

    def _begin(self, at: int) -> NDArray[Any]:
        number = int(self._episodes[at]) * len(self.envs) + at
        wanted = np.asarray(self.envs[at].observation)
        first = np.asarray(self.envs[at].reset(episode_seed(self._seed, EPISODES, number)), dtype=wanted.dtype)
        if first.shape != wanted.shape:
            raise RunError(
                f"[data.{self.role}] reset gave an observation of shape {list(first.shape)}; expected "
                f"{list(wanted.shape)}, as `observation` says; fix the environment"
            )
        return first

    @property
    def copies(self) -> int:
        return len(self.envs)

    @property
    def observation(self) -> NDArray[Any]:
        return np.asarray(self.envs[0].observation)

    def unroll(self, act: Any, steps: int) -> Arrays:
        """Play every copy on by so many steps: `act(t, batch)`, traced, gives one action for each row of `batch.x`.

        Gives arrays of steps x copies rows, in the order of time: x, action, reward, next (the observation after the
        action, before a new episode begins) and done.
        """
        rows: dict[str, list[Any]] = {name: [] for name in ("x", "action", "reward", "next", "done")}
        returns: list[float] = []
        for _ in range(steps):
            before = np.stack(self._observations)
            chosen = self._checked(self.act(act, before))
            played = [self._play(at, int(action), returns) for at, action in enumerate(chosen)]
            rows["x"].append(before)
            rows["action"].append(chosen)
            for name, values in zip(("next", "reward", "done"), zip(*played, strict=True), strict=True):
                rows[name].append(np.stack(values))
        self.ended(steps * len(self.envs), returns)
        made = {name: np.concatenate(parts) for name, parts in rows.items()}
        return {**made, "reward": made["reward"].astype(np.float32), "done": made["done"].astype(np.float32)}

    def _play(self, at: int, action: int, returns: list[float]) -> tuple[NDArray[Any], np.float64, np.bool_]:
        found, reward, done = self.envs[at].step(action)
        following = np.asarray(found, dtype=self._observations[at].dtype)
        self._actions[at].append(action)
        self._returns[at] += reward
        self._observations[at] = following
        if done:
            returns.append(float(self._returns[at]))
            self._returns[at] = 0.0
            self._actions[at] = []
            self._episodes[at] += 1
            self._observations[at] = self._begin(at)
        return following, np.float64(reward), np.bool_(done)

    def _checked(self, actions: Any) -> NDArray[np.int64]:
        chosen = np.asarray(actions)
        if chosen.shape != (len(self.envs),) or chosen.dtype.kind not in "iu":
            raise RunError(
                f"[unroll] act gave {chosen.dtype}{list(chosen.shape)}; expected one whole number for each of the "
                f"{len(self.envs)} copies; take the argmax over actions, for example"
            )
        if chosen.min() < 0 or chosen.max() >= self.actions:
            raise RunError(
                f"[unroll] act gave actions {chosen.min()} to {chosen.max()}; expected 0 to {self.actions - 1}; "
                "check the number of outputs of the model"
            )
        return chosen.astype(np.int64)

    # A group of slots whose sizes change, for checkpoints.

    def arrays(self) -> Arrays:
        name = f"data.{self.role}"
        made: Arrays = {
            f"{name}.episodes": self._episodes.copy(),
            f"{name}.returns": self._returns.copy(),
            f"{name}.lengths": np.array([len(actions) for actions in self._actions], dtype=np.int64),
        }
        if not overridden(self.envs[0], "state"):
            played = [action for actions in self._actions for action in actions]
            return {**made, f"{name}.actions": np.array(played, dtype=np.int64)}
        for at, env in enumerate(self.envs):
            states: Mapping[str, Any] = env.state()
            made.update({f"{name}.{at}.state.{key}": np.asarray(value) for key, value in states.items()})
            made[f"{name}.{at}.observation"] = self._observations[at]
        return made

    def misfits(self, saved: Mapping[str, NDArray[Any]]) -> list[str]:
        name, copies = f"data.{self.role}", self._episodes.shape
        for what in ("episodes", "lengths"):
            found = saved.get(f"{name}.{what}")
            if found is None or counts(found, copies):
                return [f"{name}.{what} is missing or of another number of copies"]
        returns = saved.get(f"{name}.returns")
        if returns is None or returns.shape != copies or returns.dtype != np.float64:
            return [f"{name}.returns is missing or of another number of copies"]
        return self._misfits_of_copies(name, saved)

    def _misfits_of_copies(self, name: str, saved: Mapping[str, NDArray[Any]]) -> list[str]:
        if not overridden(self.envs[0], "state"):
            played, total = saved.get(f"{name}.actions"), sum(saved[f"{name}.lengths"].tolist())
            fits = played is not None and not counts(played, (total,)) and (played < self.actions).all()
            return [] if fits else [f"{name}.actions is missing or not what the environment takes"]
        wrong = []
        for at, observation in enumerate(self._observations):
            found = saved.get(f"{name}.{at}.observation")
            if found is None or found.shape != observation.shape or found.dtype != observation.dtype:
                wrong.append(f"{name}.{at}.observation is missing or of another shape or dtype")
        return wrong

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        name = f"data.{self.role}"
        self._episodes = saved[f"{name}.episodes"].copy()
        self._returns = saved[f"{name}.returns"].copy()
        lengths = saved[f"{name}.lengths"].tolist()
        if overridden(self.envs[0], "state"):
            self._actions = [[0] * length for length in lengths]
            for at, env in enumerate(self.envs):
                prefix = f"{name}.{at}.state."
                env.restore({key.removeprefix(prefix): value for key, value in saved.items() if key.startswith(prefix)})
                self._observations[at] = saved[f"{name}.{at}.observation"].copy()
            return
        played = iter(saved[f"{name}.actions"].tolist())
        self._actions = [[next(played) for _ in range(length)] for length in lengths]
        for at, env in enumerate(self.envs):
            self._observations[at] = self._begin(at)
            for action in self._actions[at]:
                self._observations[at] = np.asarray(env.step(action)[0], dtype=self._observations[at].dtype)


class EpisodeEvaluator:
    """Plays whole episodes with what the strategy predicts: the action whose score is highest."""

    def __init__(
        self, make: Callable[[], Environment], predict: Callable[[Any], Any], seed: int, episodes: int
    ) -> None:
        self._env, self._predict, self._seed, self._episodes = make(), predict, seed, episodes
        self.metrics = {"return": None, "length": None}

    def __call__(
        self, part: str, keep: bool = False, most: int | None = None, stopped: Callable[[], bool] = never
    ) -> Evaluation:
        """The mean return and length; the same episodes each time. `stopped` is asked before each of them."""
        played = []
        for number in range(self._episodes):
            if stopped():
                raise StoppedError
            played.append(self._play(number))
        returns, lengths = (np.array(values, dtype=np.float64) for values in zip(*played, strict=True))
        values = {"return": float(returns.mean()), "length": float(lengths.mean())}
        return Evaluation(part, values, self._episodes)

    def _play(self, number: int) -> tuple[float, int]:
        dtype = np.asarray(self._env.observation).dtype
        observation = self._env.reset(episode_seed(self._seed, EVALUATION, number))
        total = 0.0
        for length in range(1, LONGEST_EPISODE + 1):
            scores = np.asarray(self._predict(np.asarray(observation, dtype=dtype)[None]))
            observation, reward, done = self._env.step(int(scores[0].argmax()))
            total += reward
            if done:
                return total, length
        raise RunError(
            f"[evaluate] an episode took more than {LONGEST_EPISODE:,} steps; expected one that ends; end it in the "
            "environment after a number of steps"
        )
