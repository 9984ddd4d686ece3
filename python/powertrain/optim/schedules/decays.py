"""Schedules that go one way: steps, lines, powers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import powertrain as pt
from powertrain.plugin.params import param
from powertrain.plugin.schedule import Schedule


@dataclass(frozen=True)
class StepLR(Schedule):
    """Times `gamma` after every `step_size` updates.

    Example
        >>> import powertrain as pt
        >>> schedule = pt.optim.schedules.StepLR(step_size=30, gamma=0.5)
        >>> [schedule(step) for step in (0, 29, 30, 60)]
        [1.0, 1.0, 0.5, 0.25]
    """

    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"step_size": 5},)

    step_size: int = param(low=1, doc="updates between two drops")
    gamma: float = param(0.1, low=0, doc="what each drop multiplies the rate with", usual="0.1 is usual")

    def factor(self, step: pt.Tensor) -> pt.Tensor:
        return pt.pow(self.gamma, pt.floor(step / self.step_size))


@dataclass(frozen=True)
class MultiStepLR(Schedule):
    """Times `gamma` after each of these numbers of updates.

    Example
        >>> from powertrain.optim import schedules
        >>> [schedules.MultiStepLR(milestones=[1, 2], gamma=0.5)(step) for step in (0, 1, 2)]
        [1.0, 0.5, 0.25]
    """

    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"milestones": [5, 8]},)

    milestones: Sequence[int] = param(low=0, doc="numbers of updates after which the rate drops")
    gamma: float = param(0.1, low=0, doc="what each drop multiplies the rate with", usual="0.1 is usual")

    def factor(self, step: pt.Tensor) -> pt.Tensor:
        drops = step * 0.0
        for place in self.milestones:
            drops = drops + pt.astype(step >= place, "float64")
        return pt.pow(self.gamma, drops)


@dataclass(frozen=True)
class ExponentialLR(Schedule):
    """Times `gamma` after every update.

    Example
        >>> from powertrain.optim import schedules
        >>> [schedules.ExponentialLR(gamma=0.5)(step) for step in (0, 1, 2)]
        [1.0, 0.5, 0.25]
    """

    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"gamma": 0.9},)

    gamma: float = param(above=0, doc="what each update multiplies the rate with", usual="0.999 is usual")

    def factor(self, step: pt.Tensor) -> pt.Tensor:
        return pt.pow(self.gamma, step)


@dataclass(frozen=True)
class LinearLR(Schedule):
    """A straight line from `start_factor` to `end_factor` over `total_iters` updates, and `end_factor` from there on.

    As it stands it is a warm-up; LinearLR(1.0, 0.0, total_iters=1000) goes down to zero.

    Example
        >>> from powertrain.optim import schedules
        >>> [schedules.LinearLR(start_factor=0.5, total_iters=2)(step) for step in (0, 1, 2)]
        [0.5, 0.75, 1.0]
    """

    start_factor: float = param(1 / 3, above=0, high=1, doc="the factor of the first update")
    end_factor: float = param(1.0, low=0, high=1, doc="the factor at the end")
    total_iters: int | None = param(5, low=1, run=True, doc="updates to the end")

    def factor(self, step: pt.Tensor) -> pt.Tensor:
        return self.start_factor + (self.end_factor - self.start_factor) * _way(step, self.total_iters)


@dataclass(frozen=True)
class ConstantLR(Schedule):
    """Times `factor` for `total_iters` updates, and then the rate itself.

    Example
        >>> from powertrain.optim import schedules
        >>> [schedules.ConstantLR(factor=0.5, total_iters=2)(step) for step in (0, 1, 2)]
        [0.5, 0.5, 1.0]
    """

    factor: float = param(1 / 3, low=0, high=1, doc="the factor of the first updates")  # type: ignore[assignment]
    total_iters: int | None = param(5, low=0, run=True, doc="updates with that factor")

    def rate(self, step: pt.Tensor, lr: pt.Tensor) -> pt.Tensor:
        return pt.where(step < (self.total_iters or 0), lr * self.factor, lr)


@dataclass(frozen=True)
class PolynomialLR(Schedule):
    """What is left of `total_iters` updates, as a share, to a power; zero from there on.

    Example
        >>> from powertrain.optim import schedules
        >>> [schedules.PolynomialLR(total_iters=4, power=1.0)(step) for step in (0, 1, 2)]
        [1.0, 0.75, 0.5]
    """

    total_iters: int | None = param(5, low=1, run=True, doc="updates until the rate is zero")
    power: float = param(1.0, above=0, doc="1 is a straight line", usual="1 is usual")

    def factor(self, step: pt.Tensor) -> pt.Tensor:
        return pt.pow(1.0 - _way(step, self.total_iters), self.power)


@dataclass(frozen=True)
class InverseSqrtLR(Schedule):
    """Up to 1 over `warmup` updates, then falling as 1 / sqrt(step).

    Source    Vaswani et al. 2017, equation 3, of height 1
    Example
        >>> from powertrain.optim import schedules
        >>> [round(schedules.InverseSqrtLR(warmup=1)(step), 4) for step in (1, 4)]
        [0.7071, 0.4472]
    """

    warmup: int = param(4000, low=1, doc="updates up to the top")

    def factor(self, step: pt.Tensor) -> pt.Tensor:
        count = step + 1.0
        return pt.minimum(count / self.warmup, pt.sqrt(self.warmup / count))


def _way(step: pt.Tensor, total: int | None) -> pt.Tensor:
    """How far from 0 to `total` updates, from 0 to 1."""
    assert total is not None  # as the optimizer checks
    return pt.minimum(step, float(total)) / total
