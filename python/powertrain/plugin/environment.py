"""Environments: what one is, alone or as many copies inside a trace, and how a strategy plays them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from powertrain.errors.methods import missing, optional
from powertrain.plugin.declared import FieldError, OfParams
from powertrain.plugin.run import Act

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from typing_extensions import TypeVar

    from powertrain import Tensor
    from powertrain.plugin.run import Batch, Step, Stream
    from powertrain.typing import Array

    # An action, as `step` takes it: `Environment[int]` says that it is a number. One that says nothing takes any.
    A = TypeVar("A", default=Any)
else:
    from typing import TypeVar

    A = TypeVar("A")

Finish: TypeAlias = "Callable[[Step, Batch], Mapping[str, Tensor]]"


@dataclass(frozen=True)
class Box:
    """Actions that are rows of numbers, each between its bounds: what a motor is given.

    Example
        >>> pt.plugin.Box(low=(-2.0,), high=(2.0,)).size
        1
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        fits = 0 < len(self.low) == len(self.high) and all(a < b for a, b in zip(self.low, self.high, strict=True))
        if not fits or not np.isfinite([*self.low, *self.high]).all():
            raise FieldError(
                f"[Box] received low = {self.low}, high = {self.high}; expected as many finite numbers in both, each "
                "low below its high; for example Box(low=(-1.0,), high=(1.0,))"
            )

    @property
    def size(self) -> int:
        """Numbers in one action."""
        return len(self.low)


class Environment(OfParams, Generic[A], declares=True):
    """An environment: made by `build(params)`, and used for many episodes.

    For a checker of types, `Environment[int]` has numbers as actions, `Environment[NDArray[np.float32]]` rows of them.

    One that has `state()` and `restore(arrays)` is saved by them; another is rebuilt from the seed of its episode and
    the actions so far, so it must depend on nothing else.

    Example
        >>> class Coin(pt.plugin.Environment):
        ...     observation, actions = np.zeros(1, np.float32), 2
        ...     def reset(self, seed):
        ...         self.side = seed % 2
        ...         return np.array([self.side], np.float32)
        ...     def step(self, action):
        ...         return np.array([self.side], np.float32), float(action == self.side), True, False
        >>> coin = Coin()
        >>> coin.reset(seed=3).tolist(), coin.step(1)[1]
        ([1.0], 1.0)
    """

    observation: Any  # an array like one observation
    actions: int | Box  # the number of actions, or the bounds of what an action's numbers may be

    @abstractmethod
    def reset(self, seed: int) -> ArrayLike:
        """Begin an episode; gives the first observation."""
        raise missing(self, "reset")

    @abstractmethod
    def step(self, action: A) -> tuple[ArrayLike, float, bool, bool]:
        """Gives the next observation, the reward, whether the episode is terminated, and whether it is truncated.

        A terminated episode has come to its end, and nothing follows. A truncated one would have gone on, but is cut
        short, as by a limit of steps: what would have followed still counts for what its last state is worth.
        """
        raise missing(self, "step")

    @optional
    def state(self) -> Mapping[str, ArrayLike]:
        """Where the episode stands, as named arrays."""
        raise missing(self, "state")

    @optional
    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Take up what `state` gave."""
        raise missing(self, "restore")

    @optional
    def draw(self, axes: Axes) -> None:
        """Draw how the episode stands on matplotlib axes, for the filmstrip of a report."""
        raise missing(self, "draw")


class TracedEnvironment(Environment[ArrayLike], declares=True):
    """An environment whose steps are traced: all copies in one program, with the policy that plays them.

    Its state is named tensors, whose first axis is the copies. A copy whose episode is over begins a new one; an
    episode is cut short after `longest` steps.

    Example
        >>> class Walk(pt.plugin.TracedEnvironment):
        ...     observation, actions, draws, longest = np.zeros(1, np.float32), 2, 1, 50
        ...     def begin(self, uniform):
        ...         return {"place": uniform[:, 0] - 0.5}
        ...     def see(self, state):
        ...         return state["place"][:, None]
        ...     def advance(self, state, action):
        ...         place = state["place"] + pt.where(action == 1, 0.25, -0.25)
        ...         return {"place": place}, pt.ones_like(place), abs(place) > 1
        >>> walk = Walk()
        >>> first = walk.reset(seed=0)
        >>> [walk.step(1)[2] for _ in range(2)], walk.state()["age"].item()
        ([False, False], 2)
    """

    draws: int  # random numbers that the beginning of an episode takes
    longest: int  # steps after which an episode is truncated

    @abstractmethod
    def begin(self, uniform: Tensor) -> Mapping[str, Tensor]:
        """Traced. New episodes, one for each row of `uniform`, [copies, draws] random numbers in [0, 1)."""
        raise missing(self, "begin")

    @abstractmethod
    def see(self, state: Mapping[str, Tensor]) -> Tensor:
        """Traced. One observation for each copy."""
        raise missing(self, "see")

    @abstractmethod
    def advance(self, state: Mapping[str, Tensor], action: Tensor) -> tuple[Mapping[str, Tensor], Tensor, Tensor]:
        """Traced. The state after an action of each copy, the rewards, and whether each episode is terminated."""
        raise missing(self, "advance")

    # One copy, played from the host.

    def reset(self, seed: int) -> ArrayLike:
        import powertrain as pt

        self._state = dict(self.begin(pt.tensor(uniform_rows(self, [seed]))))
        self._age = 0
        return self.see(self._state).numpy()[0]

    def step(self, action: ArrayLike) -> tuple[ArrayLike, float, bool, bool]:
        import powertrain as pt

        state, reward, terminated = self.advance(self._state, pt.tensor(np.asarray(action)[None]))
        self._state, self._age = dict(state), self._age + 1
        ended = bool(terminated.numpy()[0])
        return (
            self.see(self._state).numpy()[0],
            float(reward.numpy()[0]),
            ended,
            not ended and self._age >= self.longest,
        )

    def state(self) -> Mapping[str, ArrayLike]:
        return {"age": np.array(self._age), **{f"state.{name}": value.numpy() for name, value in self._state.items()}}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        import powertrain as pt

        self._age = int(arrays["age"])
        parts = {name.partition(".")[2]: value for name, value in arrays.items() if name != "age"}
        self._state = {name: pt.tensor(value) for name, value in parts.items()}


def uniform_rows(env: TracedEnvironment, seeds: list[int]) -> NDArray[np.float32]:
    """What the episodes of some seeds begin with: a row of numbers in [0, 1) for each."""
    words = [np.random.Philox(key=seed).random_raw(env.draws) for seed in seeds]
    return (np.array(words, np.uint64).reshape(len(seeds), env.draws) >> np.uint64(40)).astype(np.float32) * 2**-24


class Played(Protocol):
    """What `unroll` gives: named arrays, whose rows can be gone through in random order.

    Example
        >>> class Learning(pt.plugin.Strategy):
        ...     def setup(self, run):
        ...         self.model, self.opt, self.env = run.model(), run.optim(), run.env()
        ...     def act(self, t, batch):
        ...         return pt.argmax(self.model(batch.x), axis=1)
        ...     def round(self, run):
        ...         run.loop(self.step, self.env.unroll(self.act, 64).epochs(2, batch_size=32))
    """

    def keys(self) -> Iterable[str]: ...
    def __getitem__(self, name: str) -> Array: ...
    def epochs(self, count: int, batch_size: int, fields: Sequence[str] = ()) -> Stream:
        """Batches of the rows: so many passes, each in a random order of its own. Of the named fields, or of all:
        those that a step does not read are gathered for nothing."""


class Environments(Protocol):
    """Copies of an environment, side by side.

    Example
        >>> class Playing(pt.plugin.Strategy):
        ...     def setup(self, run):
        ...         self.policy, self.env = run.model(), run.env()
        ...     def act(self, t, batch):
        ...         return pt.argmax(self.policy(batch.x), axis=1)
        ...     def round(self, run):
        ...         played = self.env.unroll(self.act, steps=20)
        ...         print(played["reward"].mean())
    """

    @property
    def actions(self) -> int | Box:
        """The number of actions, or their bounds."""

    @property
    def copies(self) -> int: ...
    @property
    def observation(self) -> Array:
        """An array like one observation."""

    def unroll(self, act: Act, steps: int, finish: Finish | None = None) -> Played:
        """Play every copy on by so many steps; `act(t, batch)` gives one action for each row of `batch.x`,
        and may draw from `t.rng`.

        Gives `steps` times `copies` rows in the order of time: x, action, reward, next, terminated and done. `next` is
        what is seen after the action, before a new episode begins. `done` is 1 where an episode is over: terminated or
        truncated.
        `finish(t, rows)`, traced, gives further fields of these rows, such as advantages.
        """

    def another(self) -> Environment:
        """One more copy, for who plays an episode step by step."""
