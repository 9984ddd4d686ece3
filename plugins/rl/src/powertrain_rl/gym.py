"""Environments of Gymnasium, played on the host: any that has been registered, by its id."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain.plugin import Box, Environment, param
from powertrain_rl.errors import MakingError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Gymnasium(Environment):
    """One of Gymnasium's environments, such as `CartPole-v1`.

    A run goes on with the same numbers where an episode is a function of its seed and the actions, as Gymnasium asks.
    """

    examples = ({"id": "CartPole-v1"},)

    @dataclass(frozen=True)
    class Params:
        id: str = param(doc="the id that gymnasium.make takes; `package:Name-v0` imports the package first")
        options: Mapping[str, Any] = field(default_factory=dict)

    def __init__(self, params: Params) -> None:
        super().__init__(params)
        self._env = self._made(params.options)
        self.observation = self._example(self._env.observation_space)
        self.actions, self._first = self._of_actions(self._env.action_space)

    @classmethod
    def build(cls, params: Params) -> Gymnasium:
        return (Pictured if params.options.get("render_mode") == "rgb_array" else cls)(params)

    def _made(self, options: Mapping[str, Any]) -> Any:
        """The environment as Gymnasium makes it."""
        try:
            import gymnasium
        except ImportError as error:
            raise MakingError(
                "[env gymnasium] Gymnasium is not installed; expected it; pip install 'powertrain-rl[gymnasium]'"
            ) from error
        self._spaces = gymnasium.spaces
        try:
            # Box2D warns while it is imported, and ends the process where a warning is an error.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                return gymnasium.make(self.params.id, **options)
        except gymnasium.error.DependencyNotInstalled as error:
            raise MakingError(
                f"[env gymnasium] {self.params.id} needs a package that is not installed: {error}; expected it; pip "
                "install 'powertrain-rl[box2d]' for the environments of Box2D, or the package that is named"
            ) from error
        except gymnasium.error.Error as error:
            raise MakingError(
                f"[env gymnasium] id = {self.params.id!r}: {error}; expected one that is registered; "
                "gymnasium.pprint_registry() lists them"
            ) from error

    def _example(self, space: Any) -> Any:
        """An array like one observation: numbers as they are, one of a few as a row with a one."""
        if isinstance(space, self._spaces.Discrete):
            return np.zeros(int(space.n), np.float32)
        if isinstance(space, self._spaces.Box):
            kind = np.float32 if space.dtype.kind == "f" else space.dtype
            return np.zeros(space.shape, kind)
        raise MakingError(
            f"[env gymnasium] {self.params.id} has observations of {type(space).__name__}; expected Box or Discrete; "
            "flatten them by a wrapper of Gymnasium's"
        )

    def _of_actions(self, space: Any) -> tuple[int | Box, int]:
        if isinstance(space, self._spaces.Discrete):
            return int(space.n), int(space.start)
        if isinstance(space, self._spaces.Box) and len(space.shape) == 1 and space.is_bounded():
            return Box(tuple(map(float, space.low)), tuple(map(float, space.high))), 0
        raise MakingError(
            f"[env gymnasium] {self.params.id} has actions of {space}; expected Discrete, or a Box of one axis with "
            "bounds; change them by a wrapper of Gymnasium's"
        )

    def _seen(self, observation: Any) -> Any:
        space = self._env.observation_space
        if isinstance(space, self._spaces.Discrete):
            return np.float32(np.arange(int(space.n)) == int(observation) - int(space.start))
        return np.array(observation, self.observation.dtype)

    def reset(self, seed: int) -> Any:
        observation, _ = self._env.reset(seed=seed % (1 << 31))
        return self._seen(observation)

    def step(self, action: Any) -> tuple[Any, float, bool, bool]:
        given = action + self._first if isinstance(self.actions, int) else action
        observation, reward, terminated, truncated, _ = self._env.step(given)
        return self._seen(observation), float(reward), bool(terminated), bool(truncated)


class Pictured(Gymnasium):
    """One that draws itself, for the filmstrip of a report.

    An environment that can be drawn is slow to play, so a second one makes the pictures. It plays an episode only once
    that is to be drawn, by its seed and its actions.
    """

    def __init__(self, params: Gymnasium.Params) -> None:
        plain = {name: value for name, value in params.options.items() if name != "render_mode"}
        super().__init__(replace(params, options=plain))
        self._drawn = params
        self._drawing: Gymnasium | None = None
        self._played: list[tuple[str, Any]] = []  # calls of the episode that the one that is drawn has yet to follow

    def reset(self, seed: int) -> Any:
        self._played = [("reset", seed)]
        return super().reset(seed)

    def step(self, action: Any) -> tuple[Any, float, bool, bool]:
        self._played.append(("step", action))
        return super().step(action)

    def draw(self, axes: Axes) -> None:
        if self._drawing is None:
            self._drawing = Gymnasium(self._drawn)
        for name, value in self._played:
            getattr(self._drawing, name)(value)
        self._played.clear()
        with contextlib.redirect_stdout(io.StringIO()):  # pygame prints a greeting when it is imported
            picture = self._drawing._env.render()
        axes.imshow(picture)
        axes.axis("off")
