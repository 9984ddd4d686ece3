"""Schedules that are made of others, and of functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import powertrain as pt
from powertrain.errors.arguments import shown
from powertrain.plugin.params import param
from powertrain.plugin.schedule import Schedule, ScheduleError

T = TypeVar("T", pt.Tensor, "pt.Tensor | float")
_FUNCTION = "expected a schedule, or a function of the step that gives the factor on the rate"


@dataclass(frozen=True)
class LambdaLR(Schedule):
    """The factor is that of a function of the step, which is a float64 tensor; `schedule=function` is the same.

    Example
        >>> from powertrain.optim import schedules
        >>> schedules.LambdaLR(lambda step: 1.0 / (1.0 + step))(3)
        0.25
    """

    lr_lambda: Callable[[pt.Tensor], pt.Tensor | float]

    def __post_init__(self) -> None:
        if not callable(self.lr_lambda):
            raise ScheduleError(
                f"[LambdaLR] received {shown(self.lr_lambda)}; expected a function of the step; give groups an lr of "
                "their own in place of a list of functions"
            )

    def factor(self, step: pt.Tensor) -> pt.Tensor | float:
        return self.lr_lambda(step)


@dataclass(frozen=True)
class _OfSchedules(Schedule):
    """A schedule that is made of others."""

    schedulers: Sequence[Schedule | Callable[[pt.Tensor], pt.Tensor | float]]

    @property
    def moves_momentum(self) -> bool:
        return any(schedule.moves_momentum for schedule in _made(self.schedulers))

    def check(self, where: str) -> None:
        for schedule in _made(self.schedulers):
            schedule.check(where)


@dataclass(frozen=True)
class SequentialLR(_OfSchedules):
    """One schedule after the other: the next begins at each milestone, and counts from there. A warm-up, for example:

    Example
        >>> import powertrain as pt
        >>> s = pt.optim.schedules
        >>> warm = s.LinearLR(start_factor=0.25, total_iters=3)
        >>> schedule = s.SequentialLR([warm, s.CosineAnnealingLR(T_max=10)], milestones=[3])
        >>> [schedule(step) for step in (0, 1, 3, 13)]
        [0.25, 0.5, 1.0, 0.0]
    """

    milestones: Sequence[int] = param(low=1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedulers", _members("SequentialLR", self.schedulers))
        super().__post_init__()
        given = list(self.milestones)
        between = len(self.schedulers) - 1
        if len(given) != between or given != sorted(set(given)):
            count = f"{len(self.schedulers)} schedule{'s' if between else ''}"
            wanted = f"{between} rising number{'s' if between > 1 else ''} of updates, one between each two"
            fix = f"write milestones={[100 * (n + 1) for n in range(between)]}"
            if not between:
                wanted, fix = "two schedules or more", "write SequentialLR([warmup, decay], milestones=[100])"
            raise ScheduleError(f"[SequentialLR] milestones = {given} for {count}; expected {wanted}; {fix}")

    def rate(self, step: pt.Tensor, lr: pt.Tensor) -> pt.Tensor:
        return self._in_turn(step, lambda schedule, since: schedule.rate(since, lr))

    def momentum(self, step: pt.Tensor, setting: pt.Tensor | float) -> pt.Tensor | float:
        return self._in_turn(step, lambda schedule, since: schedule.momentum(since, setting))

    def _in_turn(self, step: pt.Tensor, value: Callable[[Schedule, pt.Tensor], T]) -> T | pt.Tensor:
        first, *others = _made(self.schedulers)
        found: T | pt.Tensor = value(first, step)
        for begin, schedule in zip(self.milestones, others, strict=True):
            # Below its own beginning a schedule counts as at 0: nobody sees its value, which would not be finite.
            found = pt.where(step < begin, found, value(schedule, pt.maximum(step - begin, 0.0)))
        return found


@dataclass(frozen=True)
class ChainedScheduler(_OfSchedules):
    """Several schedules at once: each is given the rate of the one before, so that factors are multiplied.

    Example
        >>> from powertrain.optim import schedules
        >>> halves = schedules.ConstantLR(factor=0.5, total_iters=2)
        >>> schedules.ChainedScheduler([halves, halves])(0)
        0.25
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedulers", _members("ChainedScheduler", self.schedulers))

    def rate(self, step: pt.Tensor, lr: pt.Tensor) -> pt.Tensor:
        for schedule in _made(self.schedulers):
            lr = schedule.rate(step, lr)
        return lr

    def momentum(self, step: pt.Tensor, setting: pt.Tensor | float) -> pt.Tensor | float:
        for schedule in _made(self.schedulers):
            setting = schedule.momentum(step, setting)
        return setting


def _members(where: str, given: object) -> tuple[Schedule, ...]:
    if not isinstance(given, (list, tuple)) or not given:
        raise ScheduleError(f"[{where}] received {shown(given)}; expected a list of schedules; write {where}([a, b])")
    return tuple(as_schedule(where, one) for one in given)


def _made(schedulers: Sequence[object]) -> list[Schedule]:
    """Members after the check, all of which are schedules."""
    return [one for one in schedulers if isinstance(one, Schedule)]


def as_schedule(where: str, given: object) -> Schedule:
    """A schedule, of which a function is one."""
    if isinstance(given, Schedule):
        return given
    if isinstance(given, type) and issubclass(given, Schedule):
        raise ScheduleError(
            f"[{where}] received the class {given.__name__}; expected a schedule; write schedule={given.line()}"
        )
    if not callable(given):
        raise ScheduleError(f"[{where}] schedule = {shown(given)}; {_FUNCTION}; write schedule={_line(given)}")
    return LambdaLR(given)


# What a name of a recipe, or of another library, is in Python.
_NAMED = {
    "step": "StepLR(step_size=30, gamma=0.1)",
    "multistep": "MultiStepLR(milestones=[30, 80], gamma=0.1)",
    "exponential": "ExponentialLR(gamma=0.999)",
    "polynomial": "PolynomialLR(total_iters=1000)",
    "linear": "LinearLR(1.0, 0.0, total_iters=1000)",
    "one-cycle": "OneCycleLR(total_steps=1000)",
}


def _line(given: object) -> str:
    known = _NAMED.get(given) if isinstance(given, str) else None
    return f"pt.optim.schedules.{known or 'CosineAnnealingLR(T_max=1000)'}"
