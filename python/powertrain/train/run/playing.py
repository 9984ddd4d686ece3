"""One copy of an environment whose answers are looked at: what it gives is what `Environment` promises, or an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin.environment import Environment
from powertrain.plugin.importing import in_words
from powertrain.train.folder.run_folder import RunError

Stepped = tuple[NDArray[Any], Any, bool, bool]


def _is_reward(given: Any) -> bool:
    """Whether it is one number that stays finite in float32, in which it is learned from."""
    try:
        with np.errstate(over="ignore"):
            return np.ndim(given) == 0 and bool(np.isfinite(np.float32(given)))
    except (TypeError, ValueError):
        return False


class Player:
    """Plays one copy. `name` and `where()` say in errors whose it is and where its episode stands."""

    def __init__(self, env: Environment, name: str, where: Callable[[], str]) -> None:
        self.env, self._name, self._where = env, name, where
        first = np.asarray(env.observation)
        self._dtype, self._shape = first.dtype, first.shape

    def reset(self, seed: int) -> NDArray[Any]:
        try:
            first = self.env.reset(seed)
        except Exception as error:
            raise self._raised(f"reset({seed})", error) from error
        return self._seen(first, "reset")

    def step(self, action: Any) -> Stepped:
        """What a copy makes of an action. An array is its own: the one that a checkpoint keeps stays as it is."""
        try:
            gave = self.env.step(action.copy() if isinstance(action, np.ndarray) else action)
        except Exception as error:
            raise self._raised(f"step({action})", error) from error
        if not isinstance(gave, tuple) or len(gave) != 4:
            raise RunError(
                f"[{self._name}] step gave {len(gave) if isinstance(gave, tuple) else type(gave).__name__}; "
                "expected four things: observation, reward, terminated, truncated; give False for truncated where the "
                "environment has no limit of steps"
            )
        observation, reward, terminated, truncated = gave
        if not _is_reward(reward):
            raise RunError(
                f"[{self._name}] {self._where()}: step gave the reward {reward}; expected one finite number; look at "
                "the environment's arithmetic"
            )
        return self._seen(observation, "step"), reward, bool(terminated), bool(truncated)

    def _seen(self, found: Any, who: str) -> NDArray[Any]:
        """An observation as it is kept, or what is wrong with it."""
        given = self._numbers(found, who)
        seen = given.copy() if given.dtype == self._dtype else self._cast(given, who)
        if seen.shape != self._shape:
            raise RunError(
                f"[{self._name}] {who} gave an observation of shape {list(seen.shape)}; expected {list(self._shape)}, "
                "as `observation` says; fix the environment"
            )
        if seen.dtype.kind == "f" and not np.isfinite(seen).all():
            raise RunError(
                f"[{self._name}] {self._where()}: {who} gave an observation that is not finite; expected numbers; "
                "look at the environment's arithmetic, and at the actions that it got"
            )
        return seen

    def _numbers(self, found: Any, who: str) -> NDArray[Any]:
        try:
            given = np.asarray(found)
        except ValueError:  # rows of several lengths
            given = np.array(found, dtype=object)
        if given.dtype.kind not in "biuf":
            raise RunError(
                f"[{self._name}] {who} gave an observation of {given.dtype}; expected {self._dtype}"
                f"{list(self._shape)}, as `observation` says; give numbers"
            )
        return given

    def _cast(self, given: NDArray[Any], who: str) -> NDArray[Any]:
        """As the dtype of `observation`, which may round, but not wrap or cut off."""
        with np.errstate(over="ignore", invalid="ignore"):  # said here, and by who looks for what is not finite
            seen = given.astype(self._dtype)
        if self._dtype.kind != "f" and not np.array_equal(seen, given):
            raise RunError(
                f"[{self._name}] {self._where()}: {who} gave an observation of {given.dtype} with values that "
                f"{self._dtype} does not hold; expected {self._dtype}, as `observation` says; give `observation` the "
                "dtype of what is seen"
            )
        return seen

    def _raised(self, what: str, error: Exception) -> RunError:
        return RunError(
            f"[{self._name}] {self._where()}: {what} raised {in_words(error)}; expected no exception; fix the "
            "environment, or leave out the actions that it cannot take"
        )
