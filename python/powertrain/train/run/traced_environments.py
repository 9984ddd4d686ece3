"""Traced environments as a run sees them: the copies, the policy and the count of returns are one compiled loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.data.order import EPISODES
from powertrain.plugin.environment import Box, Finish, TracedEnvironment, uniform_rows
from powertrain.plugin.run import Act
from powertrain.random.generator import Generator
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.environments import Call, Ended, checked_actions, episode_seed
from powertrain.train.run.played import Played
from powertrain.train.run.step import TracedBatch

if TYPE_CHECKING:
    from powertrain import Slot, Tensor
    from powertrain.random.settings import Size

State = dict[str, Any]


class TracedEnvSource:
    """Some copies of a traced environment. Where they stand is in slots, which `unroll` moves on in one program."""

    def __init__(
        self, role: str, make: Callable[[], TracedEnvironment], copies: int, seed: int, call: Call, ended: Ended
    ) -> None:
        self.role, self.another, self.copies, self._call, self._ended = role, make, copies, call, ended
        self.env = make()
        self.actions = self.env.actions
        seeds = [episode_seed(seed, EPISODES, at) for at in range(copies)]
        begun = self.env.begin(pt.tensor(uniform_rows(self.env, seeds)))
        first: State = {f"state.{name}": value for name, value in begun.items()}
        first |= {"age": pt.zeros(copies, dtype="int32"), "return": pt.zeros(copies)}
        self.slots: dict[str, Slot] = {name: pt.Slot(value, name=name) for name, value in first.items()}
        self._check(begun)
        self._programs: dict[tuple[Any, int, Any], Rollout] = {}

    def _check(self, begun: Mapping[str, Tensor]) -> None:
        for name, value in begun.items():
            numbers = value.numpy()
            if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
                raise RunError(
                    f"[data.{self.role}] begin gave {name} with numbers that are not finite; expected finite ones; "
                    "look at the environment's arithmetic"
                )
            if not value.ndim or value.shape[0] != self.copies:
                raise RunError(
                    f"[data.{self.role}] begin gave {name} of shape {list(value.shape)} for {self.copies} copies; "
                    f"expected [{self.copies}, ...]; make each part of the state a row for each copy"
                )
        seen, wanted = self.env.see(begun), (self.copies, *self.observation.shape)
        if seen.shape != wanted:
            raise RunError(
                f"[data.{self.role}] see gave observations of shape {list(seen.shape)}; expected {list(wanted)}, as "
                "`observation` says; fix the environment"
            )

    @property
    def observation(self) -> NDArray[Any]:
        return np.asarray(self.env.observation)

    def unroll(self, act: Act, steps: int, finish: Finish | None = None) -> Played:
        """Play every copy on: see `powertrain.plugin.Environments`."""
        key = (act, steps, finish)
        program = self._programs.get(key) or self._programs.setdefault(key, Rollout(self, act, steps, finish))
        before = {name: slot.value for name, slot in self.slots.items()}
        made = {name: value.numpy() for name, value in self._call(program, (), ()).items()}
        try:
            returns = made.pop("return")
            self._check_rows(made)
        except RunError:  # the program has moved the copies on, to where nobody should play on from
            for name, slot in self.slots.items():
                slot.value = before[name]
            raise
        self._ended(steps * self.copies, returns[made["done"] > 0].tolist())
        return Played(made)

    def _check_rows(self, made: dict[str, NDArray[Any]]) -> None:
        """Refuse actions that there are not, and numbers that are not finite."""
        made["action"] = checked_actions(self.actions, made["action"], len(made["action"]))
        for name in ("next", "reward"):
            if made[name].dtype.kind == "f" and not np.isfinite(made[name]).all():
                raise RunError(
                    f"[data.{self.role}] advance gave a {'reward' if name == 'reward' else 'state'} that is not "
                    "finite; expected numbers; look at the environment's arithmetic, and at the actions that it got"
                )


class Rollout:
    """The traced loop of one policy: so many steps of all copies, and what `finish` makes of them."""

    def __init__(self, source: TracedEnvSource, act: Act, steps: int, finish: Finish | None) -> None:
        self.source, self.act, self.steps, self.finish = source, act, steps, finish
        self.__name__ = getattr(act, "__name__", "act")
        self.__qualname__ = getattr(act, "__qualname__", self.__name__)

    def __call__(self, t: Any, batch: Any) -> dict[str, Any]:
        source, steps, copies = self.source, self.steps, self.source.copies
        env = source.env
        policy = Policy(self.act, t, copies)
        now = {name: slot.value for name, slot in source.slots.items()}
        drawn = policy.draw_ahead(env.see(parts(now)), steps)
        begins = t.rng.uniform(size=(steps, copies, env.draws))

        def step(now: State, row: Any) -> tuple[State, dict[str, Any]]:
            uniform, numbers = row
            x = env.see(parts(now))
            action = policy(x, numbers)
            state, reward, terminated = env.advance(parts(now), action)
            age, total = now["age"] + 1, now["return"] + reward
            done = pt.logical_or(terminated, age >= env.longest)
            begun = env.begin(uniform)
            after: State = {f"state.{name}": where(done, begun[name], value) for name, value in state.items()}
            after |= {"age": pt.where(done, 0, age), "return": pt.where(done, 0.0, total)}
            told = {"x": x, "action": action, "reward": reward, "next": env.see(state), "return": total}
            return after, {**told, "terminated": as_number(terminated), "done": as_number(done)}

        after, stacked = pt.scan(step, now, (begins, drawn), length=steps)
        for name, slot in source.slots.items():
            slot.value = after[name]
        rows = {name: pt.reshape(value, (steps * copies, *value.shape[2:])) for name, value in stacked.items()}
        returns = rows.pop("return")
        if self.finish is not None:
            weight = pt.ones(steps * copies)
            rows |= self.finish(t, TracedBatch((*rows, "weight"), (*rows.values(), weight)))
        return {**rows, "return": returns}


class Policy:
    """`act` inside of a loop, where nothing can be drawn: its random numbers are drawn before it, for all steps."""

    def __init__(self, act: Act, t: Any, copies: int) -> None:
        self._act, self._t, self._copies = act, t, copies

    def draw_ahead(self, x: Any, steps: int) -> list[Any]:
        """What `act` draws in one step, which one call on observations tells, for each of `steps` steps."""
        asked = Draws(self._t.rng)
        self._call(asked, x)
        return [self._t.rng._draw(op, (steps, *size), dtype) for op, size, dtype in asked.calls]

    def __call__(self, x: Any, numbers: list[Any]) -> Any:
        return self._call(Draws(self._t.rng, numbers), x)

    def _call(self, rng: Draws, x: Any) -> Any:
        weight = pt.ones(self._copies)
        t: Any = PlayedStep(rng)
        return self._act(t, TracedBatch(("x", "weight"), (x, weight)))


class PlayedStep:
    """What `t` is in `act(t, batch)` of a traced environment."""

    def __init__(self, rng: Draws) -> None:
        self.rng = rng


class Draws(Generator):
    """Random numbers that were drawn before; without them, those of another generator, whose calls it keeps."""

    def __init__(self, generator: Generator, numbers: list[Any] | None = None) -> None:
        self._generator, self._numbers = generator, numbers
        self.calls: list[tuple[str, tuple[int, ...], Any]] = []

    def _draw(self, op: str, size: Size, dtype: Any) -> Any:
        if self._numbers is not None:
            self.calls.append((op, (), dtype))
            return self._numbers[len(self.calls) - 1]
        drawn = self._generator._draw(op, size, dtype)
        self.calls.append((op, tuple(drawn.shape), dtype))
        return drawn


def parts(now: State) -> State:
    """The environment's own state among what a copy has."""
    return {name.removeprefix("state."): value for name, value in now.items() if name.startswith("state.")}


def where(done: Any, begun: Any, value: Any) -> Any:
    """A part of the state of a new episode where one is done, else what it is."""
    mask = pt.reshape(done, (done.shape[0], *[1] * (value.ndim - 1)))
    return pt.where(mask, begun, value)


def as_number(flags: Any) -> Any:
    return pt.astype(flags, "float32")


def chosen_action(actions: int | Box, scores: Any) -> Any:
    """What is done by what `predict` gives: the action of the highest score, or the numbers themselves, in bounds."""
    if isinstance(actions, Box):
        low, high = (pt.tensor(np.asarray(bound, np.float32)) for bound in (actions.low, actions.high))
        return pt.clip(scores, low, high)
    return pt.argmax(scores, axis=1)
