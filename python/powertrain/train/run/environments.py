"""Environments as a run sees them: several copies side by side, whose place in their episodes a checkpoint holds."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.order import EPISODES, raw_bits
from powertrain.errors.methods import overridden
from powertrain.plugin.environment import Box, Environment, Finish
from powertrain.plugin.run import Act
from powertrain.train.folder.run_folder import RunError
from powertrain.train.folder.saved_arrays import below
from powertrain.train.run.played import Played
from powertrain.train.run.playing import Player
from powertrain.train.run.progress import counts

Arrays = dict[str, NDArray[Any]]
# What the run does for its environments: one call of a traced function, the count of steps and returns, a warning.
Call = Callable[[Any, tuple[str, ...], tuple[Any, ...]], Any]
Ended = Callable[[int, Sequence[float]], None]
Warn = Callable[[str], None]


def episode_seed(seed: int, stream: int, number: int) -> int:
    """The seed of an episode, by its number."""
    return int(raw_bits(seed, stream, number, 1)[0] >> np.uint64(1))


def checked_actions(actions: int | Box, chosen: NDArray[Any], copies: int) -> NDArray[Any]:
    """What `act` gave, as actions that the copies can play."""
    if isinstance(actions, Box):
        return _checked_numbers(actions, chosen, copies)
    if chosen.shape != (copies,) or chosen.dtype.kind not in "iu":
        raise RunError(
            f"[unroll] act gave {chosen.dtype}{list(chosen.shape)}; expected one whole number for each of the "
            f"{copies} copies; take the argmax over actions, for example"
        )
    if chosen.min() < 0 or chosen.max() >= actions:
        raise RunError(
            f"[unroll] act gave actions {chosen.min()} to {chosen.max()}; expected 0 to {actions - 1}; "
            "check the number of outputs of the model"
        )
    return chosen.astype(np.int64)


def _checked_numbers(box: Box, chosen: NDArray[Any], copies: int) -> NDArray[Any]:
    if chosen.shape != (copies, box.size) or chosen.dtype.kind != "f":
        raise RunError(
            f"[unroll] act gave {chosen.dtype}{list(chosen.shape)}; expected float32[{copies}, {box.size}], a row of "
            "numbers for each copy; check the number of outputs of the model"
        )
    low, high = np.asarray(box.low, chosen.dtype), np.asarray(box.high, chosen.dtype)
    if not ((chosen >= low) & (chosen <= high)).all():
        raise RunError(
            f"[unroll] act gave actions {chosen.min():.4g} to {chosen.max():.4g}; expected numbers from "
            f"{list(box.low)} to {list(box.high)}; clip them"
        )
    return chosen


class EnvSource:
    """Some copies of an environment. `unroll` plays them on; where each stands is part of every checkpoint."""

    def __init__(
        self, role: str, make: Callable[[], Environment], copies: int, seed: int, call: Call, ended: Ended, warn: Warn
    ) -> None:
        self.role, self._seed, self.another, self._call, self._ended = role, seed, make, call, ended
        self._warn = warn
        self.envs = [make() for _ in range(copies)]
        self._players = [Player(env, f"data.{role}", partial(self._where, at)) for at, env in enumerate(self.envs)]
        self.actions = self.envs[0].actions
        self._episodes = np.zeros(copies, dtype=np.int64)
        self._returns = np.zeros(copies)
        self._actions: list[list[Any]] = [[] for _ in self.envs]
        self._observations = [self._begin(at) for at in range(copies)]

    def _begin(self, at: int) -> NDArray[Any]:
        number = int(self._episodes[at]) * len(self.envs) + at
        return self._players[at].reset(episode_seed(self._seed, EPISODES, number))

    def _where(self, at: int) -> str:
        return f"copy {at}, step {len(self._actions[at])} of its episode {int(self._episodes[at])}"

    @property
    def copies(self) -> int:
        return len(self.envs)

    @property
    def observation(self) -> NDArray[Any]:
        return np.asarray(self.envs[0].observation)

    def unroll(self, act: Act, steps: int, finish: Finish | None = None) -> Played:
        """Play every copy on: see `powertrain.plugin.Environments`."""
        rows: dict[str, list[Any]] = {name: [] for name in ("x", "action", "reward", "next", "terminated", "done")}
        returns: list[float] = []
        weight = np.ones(len(self.envs), dtype=np.float32)
        for _ in range(steps):
            before = np.stack(self._observations)
            chosen = np.asarray(self._call(act, ("x", "weight"), (before, weight)).numpy())
            chosen = checked_actions(self.actions, chosen, len(self.envs))
            played = [self._play(at, action, returns) for at, action in enumerate(chosen)]
            rows["x"].append(before)
            rows["action"].append(chosen)
            for name, values in zip(("next", "reward", "terminated", "done"), zip(*played, strict=True), strict=True):
                rows[name].append(np.stack(values))
        self._ended(steps * len(self.envs), returns)
        made = Played({name: np.concatenate(parts) for name, parts in rows.items()})
        if finish is not None:
            names = (*made, "weight")
            found = self._call(finish, names, (*made.values(), np.ones(steps * len(self.envs), np.float32)))
            made.update({name: value.numpy() for name, value in found.items()})
        return made

    def _play(self, at: int, action: Any, returns: list[float]) -> tuple[NDArray[Any], ...]:
        kept = action.copy() if isinstance(self.actions, Box) else int(action)
        following, reward, terminated, total, done = self._go_on(at, kept)
        if done:
            returns.append(total)
        return following, *(np.float32(value) for value in (reward, terminated, done))

    def _go_on(self, at: int, action: Any) -> tuple[NDArray[Any], float, bool, float, bool]:
        """Take one step, and begin a new episode where that ends one: what was seen, the reward, whether it was
        terminated, the return so far, whether it is over."""
        following, reward, terminated, truncated = self._players[at].step(action)
        self._actions[at].append(action)
        self._returns[at] += float(reward)
        self._observations[at] = following
        total, done = float(self._returns[at]), terminated or truncated
        if done:
            self._returns[at] = 0.0
            self._actions[at] = []
            self._episodes[at] += 1
            self._observations[at] = self._begin(at)
        return following, reward, terminated, total, done

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
            made[f"{name}.actions"] = np.array(played, dtype=self._kind()).reshape(len(played), *self._form())
            return {**made, f"{name}.seen": self._sums()}
        for at, env in enumerate(self.envs):
            states: Mapping[str, Any] = env.state()
            made.update({f"{name}.{at}.state.{key}": np.asarray(value) for key, value in states.items()})
            made[f"{name}.{at}.observation"] = self._observations[at]
        return made

    def _sums(self) -> NDArray[np.int64]:
        """A checksum of what each copy sees: it tells whether an episode that is played again is the same."""
        return np.array([zlib.crc32(seen.tobytes()) for seen in self._observations], dtype=np.int64)

    def _kind(self) -> type[np.generic]:
        return np.float32 if isinstance(self.actions, Box) else np.int64

    def _form(self) -> tuple[int, ...]:
        return (self.actions.size,) if isinstance(self.actions, Box) else ()

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
            seen = saved.get(f"{name}.seen")  # which checkpoints of earlier versions lack
            if seen is not None and counts(seen, self._episodes.shape):
                return [f"{name}.seen is of another number of copies"]
            played, total = saved.get(f"{name}.actions"), sum(saved[f"{name}.lengths"].tolist())
            fits = played is not None and played.shape == (total, *self._form()) and played.dtype == self._kind()
            return (
                []
                if fits and self._playable(played)
                else [f"{name}.actions is missing or not what the environment takes"]
            )
        wrong = []
        for at, observation in enumerate(self._observations):
            found = saved.get(f"{name}.{at}.observation")
            if found is None or found.shape != observation.shape or found.dtype != observation.dtype:
                wrong.append(f"{name}.{at}.observation is missing or of another shape or dtype")
        return wrong

    def _playable(self, played: Any) -> bool:
        """Whether saved actions, one a row, are within what the environment takes."""
        low, high = (self.actions.low, self.actions.high) if isinstance(self.actions, Box) else (0, self.actions - 1)
        return bool(((played >= np.asarray(low, np.float32)) & (played <= np.asarray(high, np.float32))).all())

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        name = f"data.{self.role}"
        self._episodes = saved[f"{name}.episodes"].copy()
        self._returns = saved[f"{name}.returns"].copy()
        lengths = saved[f"{name}.lengths"].tolist()
        if overridden(self.envs[0], "state"):
            self._actions = [[0] * length for length in lengths]
            for at, env in enumerate(self.envs):
                env.restore(below(saved, f"{name}.{at}.state."))
                self._observations[at] = saved[f"{name}.{at}.observation"].copy()
            return
        saved_actions = saved[f"{name}.actions"]
        played = iter(saved_actions if isinstance(self.actions, Box) else saved_actions.tolist())
        went_on = np.array(
            [self._replay(at, [next(played) for _ in range(length)]) for at, length in enumerate(lengths)]
        )
        same = (self._returns == saved[f"{name}.returns"]) & (self._sums() == saved.get(f"{name}.seen", self._sums()))
        strayed = np.flatnonzero(~(went_on & same))
        if strayed.size:
            self._warn(
                f"[{name}] the episodes of copies {', '.join(map(str, strayed))} came out otherwise when their actions "
                "were played again, so the run goes on with others; expected what depends on seed and actions alone; "
                "draw from np.random.default_rng(seed), or add state() and restore()"
            )

    def _replay(self, at: int, actions: list[Any]) -> bool:
        """Play kept actions again; whether the episode goes on after them, as it did."""
        self._actions[at], self._returns[at] = [], 0.0
        self._observations[at] = self._begin(at)
        return not any(self._go_on(at, action)[-1] for action in actions)  # no further than to its end
