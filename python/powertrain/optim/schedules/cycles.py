"""Schedules that are made of cosines, and that go up and down."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import powertrain as pt
from powertrain.errors.methods import missing
from powertrain.plugin.params import param
from powertrain.plugin.schedule import Schedule, ScheduleError

_GROUPS = "leave it out for the optimizer's lr, and give groups an lr of their own"


def _half_cosine(way: pt.Tensor, start: pt.Tensor | float, end: pt.Tensor | float) -> pt.Tensor:
    """From `start` to `end` as `way` goes from 0 to 1."""
    return end + (start - end) * (1.0 + pt.cos(way * math.pi)) / 2.0


@dataclass(frozen=True)
class CosineAnnealingLR(Schedule):
    """Half a cosine from the rate to `eta_min` over `T_max` updates, and up again from there on.

    Source    Loshchilov and Hutter 2017
    Example
        >>> import powertrain as pt
        >>> schedule = pt.optim.schedules.CosineAnnealingLR(T_max=100, eta_min=0.25)
        >>> schedule(0), round(schedule(50), 3), schedule(100)
        (1.0, 0.625, 0.25)
    """

    T_max: int | None = param(None, low=1, run=True, doc="updates down to eta_min")
    eta_min: float = param(0.0, low=0, doc="the lowest rate", usual="0 is usual")

    def rate(self, step: pt.Tensor, lr: pt.Tensor) -> pt.Tensor:
        assert self.T_max is not None  # as the optimizer checks
        return _half_cosine(step / self.T_max, lr, self.eta_min)


@dataclass(frozen=True)
class CosineAnnealingWarmRestarts(Schedule):
    """Half a cosine from the rate to `eta_min` over `T_0` updates, then again over `T_mult` times as many, and so on.

    Source    Loshchilov and Hutter 2017 (SGDR)
    Example
        >>> from powertrain.optim import schedules
        >>> [round(schedules.CosineAnnealingWarmRestarts(T_0=2)(step), 4) for step in (0, 1, 2)]
        [1.0, 0.5, 1.0]
    """

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"T_0": 5},
        {"T_0": 3, "T_mult": 2},
    )

    T_0: int = param(low=1, doc="updates of the first round")
    T_mult: int = param(1, low=1, doc="how many times longer each round is than the one before")
    eta_min: float = param(0.0, low=0, doc="the lowest rate", usual="0 is usual")

    def rate(self, step: pt.Tensor, lr: pt.Tensor) -> pt.Tensor:
        if self.T_mult == 1:
            begun, length = pt.floor(step / self.T_0) * self.T_0, step * 0.0 + self.T_0
        else:
            # Round k begins at T_0 (T_mult^k - 1) / (T_mult - 1). Half an update keeps its rounding apart.
            rounds = pt.floor(pt.log((step + 0.5) / self.T_0 * (self.T_mult - 1) + 1.0) / math.log(self.T_mult))
            length = pt.round(pt.pow(float(self.T_mult), rounds)) * self.T_0
            begun = (length - self.T_0) / (self.T_mult - 1)
        return _half_cosine((step - begun) / length, lr, self.eta_min)


class _Cycle(Schedule):
    """A schedule that moves the momentum against the rate, unless it is told to leave it."""

    cycle_momentum: bool

    @property
    def moves_momentum(self) -> bool:
        return self.cycle_momentum

    def momentum(self, step: pt.Tensor, setting: pt.Tensor | float) -> pt.Tensor | float:
        return self._cycled_momentum(step) if self.cycle_momentum else setting

    @abstractmethod
    def _cycled_momentum(self, step: pt.Tensor) -> pt.Tensor:
        """The momentum of an update."""
        raise missing(self, "_cycled_momentum")


@dataclass(frozen=True)
class OneCycleLR(_Cycle):
    """Up from max_lr / div_factor to `max_lr`, then down to max_lr / (div_factor final_div_factor).

    `max_lr` is the optimizer's lr where it is not given; given, it is that of all groups. The momentum, or the first of
    betas, goes the other way, from `max_momentum` to `base_momentum` and back, whatever the optimizer was given;
    `cycle_momentum=False` leaves it. Instead of `total_steps`, give `epochs` and `steps_per_epoch`. With `three_phase`
    the way down is as long as the way up, and the rate then falls to its end.

    Source    Smith and Topin 2018
    Example
        >>> from powertrain.optim import schedules
        >>> [round(schedules.OneCycleLR(max_lr=1.0, total_steps=4)(step, 1.0), 4) for step in (0, 2)]
        [0.04, 0.2831]
    """

    max_lr: float | None = param(None, above=0, doc="the highest rate; the optimizer's lr", usual=_GROUPS)
    total_steps: int | None = param(None, low=1, run=True, doc="updates of the cycle")
    epochs: int | None = param(None, low=1, doc="with steps_per_epoch, in place of total_steps")
    steps_per_epoch: int | None = param(None, low=1, doc="with epochs, in place of total_steps")
    pct_start: float = param(0.3, low=0, high=1, doc="share of the cycle that goes up", usual="0.3 is usual")
    anneal_strategy: Literal["cos", "linear"] = "cos"
    cycle_momentum: bool = param(True, doc="move the momentum, or the first of betas, against the rate")
    base_momentum: float = param(0.85, low=0, below=1, doc="the momentum at the highest rate", usual="0.85 is usual")
    max_momentum: float = param(0.95, low=0, below=1, doc="the momentum at both ends", usual="0.95 is usual")
    div_factor: float = param(25.0, above=0, doc="the highest rate over the first one", usual="25 is usual")
    final_div_factor: float = param(1e4, above=0, doc="the first rate over the last one", usual="1e4 is usual")
    three_phase: bool = param(False, doc="go down to the first rate, and then to the last one")

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.epochs is None) != (self.steps_per_epoch is None):
            raise ScheduleError("[OneCycleLR] epochs or steps_per_epoch alone; expected both; write total_steps=1000")
        if self.total_steps is None and self.epochs is not None and self.steps_per_epoch is not None:
            object.__setattr__(self, "total_steps", self.epochs * self.steps_per_epoch)

    def rate(self, step: pt.Tensor, lr: pt.Tensor) -> pt.Tensor:
        top = lr * 0.0 + self.max_lr if self.max_lr is not None else lr
        first = top / self.div_factor
        return self._cycled(step, first, top, first / self.final_div_factor)

    def _cycled_momentum(self, step: pt.Tensor) -> pt.Tensor:
        ends = step * 0.0 + self.max_momentum
        return self._cycled(step, ends, step * 0.0 + self.base_momentum, ends)

    def _cycled(self, step: pt.Tensor, first: pt.Tensor, top: pt.Tensor, last: pt.Tensor) -> pt.Tensor:
        """What is `first` at the beginning, `top` where the rate is highest, and `last` at the end."""
        assert self.total_steps is not None  # as the optimizer checks
        total, up = float(self.total_steps), self.pct_start * self.total_steps
        phases = [(up - 1.0, first, top), (total - 1.0, top, last)]
        if self.three_phase:
            phases = [(up - 1.0, first, top), (2.0 * up - 2.0, top, first), (total - 1.0, first, last)]
        step = pt.minimum(step, total - 1.0)
        begins = [0.0, *(end for end, _, _ in phases[:-1])]
        found = None
        for begin, (end, start, goal) in reversed(list(zip(begins, phases, strict=True))):
            part = self._between((step - begin) / ((end - begin) or 1.0), start, goal)
            found = part if found is None else pt.where(step <= end, part, found)
        assert found is not None
        return found

    def _between(self, way: pt.Tensor, start: pt.Tensor, goal: pt.Tensor) -> pt.Tensor:
        return _half_cosine(way, start, goal) if self.anneal_strategy == "cos" else start + (goal - start) * way


@dataclass(frozen=True)
class CyclicLR(_Cycle):
    """Up from `base_lr` to `max_lr` over `step_size_up` updates and down over `step_size_down`, again and again.

    The height halves with each cycle in mode "triangular2", and is times gamma^step in mode "exp_range". Where `max_lr`
    is not given it is the optimizer's lr. The momentum, or the first of betas, goes the other way, from `max_momentum`
    to `base_momentum` and back, whatever the optimizer was given; `cycle_momentum=False` leaves it.

    Source    Smith 2017
    Example
        >>> from powertrain.optim import schedules
        >>> [round(schedules.CyclicLR(base_lr=0.5, max_lr=1.0, step_size_up=2)(step, 1.0), 4) for step in (0, 1, 2)]
        [0.5, 0.75, 1.0]
    """

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"base_lr": 0.1},
        {"base_lr": 0.1, "step_size_up": 4, "mode": "exp_range"},
    )

    base_lr: float = param(low=0, doc="the lowest rate", usual="a tenth of the highest one is usual")
    max_lr: float | None = param(None, above=0, doc="the highest rate; the optimizer's lr", usual=_GROUPS)
    step_size_up: int = param(2000, low=1, doc="updates up")
    step_size_down: int | None = param(None, low=1, doc="updates down; as many as up")
    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular"
    gamma: float = param(1.0, above=0, doc="what each update multiplies the height with, in mode exp_range")
    cycle_momentum: bool = param(True, doc="move the momentum, or the first of betas, against the rate")
    base_momentum: float = param(0.8, low=0, below=1, doc="the momentum at the highest rate", usual="0.8 is usual")
    max_momentum: float = param(0.9, low=0, below=1, doc="the momentum at the lowest rate", usual="0.9 is usual")

    def rate(self, step: pt.Tensor, lr: pt.Tensor) -> pt.Tensor:
        top = lr if self.max_lr is None else lr * 0.0 + self.max_lr
        return self.base_lr + (top - self.base_lr) * self._height(step)

    def _cycled_momentum(self, step: pt.Tensor) -> pt.Tensor:
        return self.max_momentum - (self.max_momentum - self.base_momentum) * self._height(step)

    def _height(self, step: pt.Tensor) -> pt.Tensor:
        """How far up, from 0 to 1."""
        down = self.step_size_down or self.step_size_up
        length = self.step_size_up + down
        cycle = pt.floor(step / length)
        place = step - cycle * length
        share = pt.where(place <= self.step_size_up, place / self.step_size_up, (length - place) / down)
        if self.mode == "triangular2":
            share = share * pt.pow(0.5, cycle)
        elif self.mode == "exp_range":
            share = share * pt.pow(self.gamma, step)
        return share
