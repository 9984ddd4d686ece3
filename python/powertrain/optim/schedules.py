"""Schedules: the factor on the learning rate as a function of the step, computed inside the graph.

A schedule takes the number of updates made before this one (a scalar tensor) and gives the factor for this one. The
plugins of the group `schedule` are the functions `name(step, total, **parameters)`; `bind` fixes all but the step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any

import powertrain as pt
from powertrain.plugins.params import Range

Schedule = Callable[[Any], pt.Tensor]
Share = Annotated[float, Range(low=0, high=1)]
Steps = Annotated[int, Range(low=0)]


def bind(function: Callable[..., pt.Tensor], total: int, **parameters: Any) -> Schedule:
    """A schedule of the step alone.

    >>> float(bind(linear, total=10)(pt.tensor(5)))
    0.5
    """

    def schedule(step: Any) -> pt.Tensor:
        return function(step, total, **parameters)

    return schedule


def product(*schedules: Schedule) -> Schedule:
    """The product of schedules, for example a warm-up times a decay."""

    def schedule(step: Any) -> pt.Tensor:
        factor = schedules[0](step)
        for other in schedules[1:]:
            factor = factor * other(step)
        return factor

    return schedule


def chain(*parts: tuple[int, Schedule], then: Schedule) -> Schedule:
    """Schedules one after the other, each (its steps, schedule) counting from its own start; `then` has no end."""

    def schedule(step: Any) -> pt.Tensor:
        start = sum(steps for steps, _ in parts)
        factor = then(step - start)
        for steps, part in reversed(parts):
            start -= steps
            factor = pt.where(pt.less(step, start + steps), part(step - start), factor)
        return factor

    return schedule


def _progress(step: Any, start: int, total: int) -> pt.Tensor:
    """How far from `start` (0) to `total` (1), in float64: a float32 step is inexact beyond 16,777,216."""
    return pt.clip((pt.cast(step, "float64") - start) / max(1, total - start), 0.0, 1.0)


def _warm(step: Any, warmup: int, factor: pt.Tensor) -> pt.Tensor:
    """A rise over the first `warmup` updates, which are 1/(warmup+1), 2/(warmup+1), ... of the rate; then `factor`."""
    if warmup > 0:
        factor = pt.where(pt.less(step, warmup), (pt.cast(step, "float64") + 1) / (warmup + 1), factor)
    return pt.cast(factor, "float32")


def constant(step: Any, total: int, *, warmup: Steps = 0) -> pt.Tensor:
    """1, after a warm-up."""
    return _warm(step, warmup, pt.cast(step, "float64") * 0.0 + 1.0)


def cosine(step: Any, total: int, *, warmup: Steps = 0, floor: Share = 0.0) -> pt.Tensor:
    """Half a cosine from 1, after a warm-up, to `floor` at `total`, and there on (Loshchilov and Hutter 2017)."""
    half = 0.5 * (1 + pt.cos(_progress(step, warmup, total) * math.pi))
    return _warm(step, warmup, half * (1 - floor) + floor)


def linear(step: Any, total: int, *, warmup: Steps = 0, floor: Share = 0.0) -> pt.Tensor:
    """A straight line from 1, after a warm-up, to `floor` at `total`, and there on."""
    return _warm(step, warmup, 1 - _progress(step, warmup, total) * (1 - floor))


def step(step: Any, total: int, *, every: Annotated[float, Range(above=0)] = 0.3, gamma: Share = 0.1) -> pt.Tensor:
    """Times `gamma` after every share `every` of the run (or every so many updates, if above 1)."""
    length = max(1, round(every * total)) if every <= 1 else round(every)
    drops = pt.floor(pt.cast(step, "float64") / length)
    return pt.cast(pt.exp(drops * math.log(gamma)) if gamma > 0 else pt.equal(drops, 0), "float32")


def one_cycle(step: Any, total: int, *, rise: Share = 0.3, start: Share = 0.04, floor: Share = 4e-6) -> pt.Tensor:
    """From `start` up to 1 over the share `rise` of the run, then down to `floor` (Smith and Topin 2018)."""
    top = round(rise * total)
    up = 0.5 * (1 - pt.cos(_progress(step, 0, top) * math.pi)) * (1 - start) + start
    down = 0.5 * (1 + pt.cos(_progress(step, top, total) * math.pi)) * (1 - floor) + floor
    return pt.cast(pt.where(pt.less(step, top), up, down), "float32")
