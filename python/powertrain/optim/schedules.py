"""Schedules: the factor on the learning rate as a function of the step, computed inside the graph.

A schedule takes the number of updates made before this one (a scalar tensor) and gives the factor for this one. The
plugins of the group `schedule` are the functions `name(step, total, **parameters)`; `bind` fixes all but the step.
Factors are float64; the optimizer rounds them once to the dtype of its rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Literal

import powertrain as pt
from powertrain.errors.boundary import export
from powertrain.plugin.params import Range

Schedule = Callable[[pt.Tensor], pt.Tensor]
Number = float | pt.Tensor  # of an update
Share = Annotated[float, Range(low=0, high=1)]
Steps = Annotated[int, Range(low=0)]


def bind(function: Callable[..., pt.Tensor], total: int, **parameters: object) -> Schedule:
    """A schedule of the step alone.

    >>> float(bind(linear, total=10)(pt.tensor(5)))
    0.5
    """

    def schedule(step: pt.Tensor) -> pt.Tensor:
        return function(step, total, **parameters)

    return schedule


def product(*schedules: Schedule) -> Schedule:
    """The product of schedules, for example a warm-up times a decay."""

    def schedule(step: pt.Tensor) -> pt.Tensor:
        factor = schedules[0](step)
        for other in schedules[1:]:
            factor = factor * other(step)
        return factor

    return schedule


def chain(*parts: tuple[int, Schedule], then: Schedule) -> Schedule:
    """Schedules one after the other, each (its steps, schedule) counting from its own start; `then` has no end."""

    def schedule(step: pt.Tensor) -> pt.Tensor:
        start = sum(steps for steps, _ in parts)
        factor = then(step - start)
        for steps, part in reversed(parts):
            start -= steps
            factor = pt.where(pt.less(step, start + steps), part(step - start), factor)
        return factor

    return schedule


def _progress(step: Number, start: int, total: int) -> pt.Tensor:
    """How far from `start` (0) to `total` (1), in float64: a float32 step is inexact beyond 16,777,216."""
    return pt.clip((pt.astype(step, "float64") - start) / max(1, total - start), 0.0, 1.0)


def _warm(step: Number, warmup: int, factor: pt.Tensor) -> pt.Tensor:
    """A rise over the first `warmup` updates, which are 1/(warmup+1), 2/(warmup+1), ... of the rate; then `factor`."""
    if warmup == 0:
        return factor
    return pt.where(pt.less(step, warmup), (pt.astype(step, "float64") + 1) / (warmup + 1), factor)


def constant(step: Number, total: int, *, warmup: Steps = 0) -> pt.Tensor:
    """1, after a warm-up."""
    return _warm(step, warmup, pt.astype(step, "float64") * 0.0 + 1.0)


def cosine(step: Number, total: int, *, warmup: Steps = 0, floor: Share = 0.0) -> pt.Tensor:
    """Half a cosine from 1, after a warm-up, to `floor` at `total`, and there on (Loshchilov and Hutter 2017)."""
    half = 0.5 * (1 + pt.cos(_progress(step, warmup, total) * math.pi))
    return _warm(step, warmup, half * (1 - floor) + floor)


def linear(step: Number, total: int, *, warmup: Steps = 0, floor: Share = 0.0) -> pt.Tensor:
    """A straight line from 1, after a warm-up, to `floor` at `total`, and there on."""
    return _warm(step, warmup, 1 - _progress(step, warmup, total) * (1 - floor))


def step(step: Number, total: int, *, every: Annotated[float, Range(above=0)] = 0.3, gamma: Share = 0.1) -> pt.Tensor:
    """Times `gamma` after every share `every` of the run (or every so many updates, if above 1)."""
    length = max(1, round(every * total)) if every <= 1 else round(every)
    drops = pt.floor(pt.astype(step, "float64") / length)
    return pt.exp(drops * math.log(gamma)) if gamma > 0 else pt.astype(pt.equal(drops, 0), "float64")


def one_cycle(step: Number, total: int, *, rise: Share = 0.3, start: Share = 0.04, floor: Share = 4e-6) -> pt.Tensor:
    """From `start` up to 1 over the share `rise` of the run, then down to `floor` (Smith and Topin 2018)."""
    top = round(rise * total)
    up = 0.5 * (1 - pt.cos(_progress(step, 0, top) * math.pi)) * (1 - start) + start
    down = 0.5 * (1 + pt.cos(_progress(step, top, total) * math.pi)) * (1 - floor) + floor
    return pt.where(pt.less(step, top), up, down)


def polynomial(
    step: Number, total: int, *, warmup: Steps = 0, power: Annotated[float, Range(above=0)] = 1.0, floor: Share = 0.0
) -> pt.Tensor:
    """What is left of the run to a power, from 1, after a warm-up, to `floor` at `total`, and there on."""
    left = pt.pow(1 - _progress(step, warmup, total), power)
    return _warm(step, warmup, left * (1 - floor) + floor)


def exponential(step: Number, total: int, *, gamma: Annotated[float, Range(above=0, high=1)] = 0.99) -> pt.Tensor:
    """Times `gamma` after every update."""
    return pt.exp(pt.astype(step, "float64") * math.log(gamma))


def multistep(
    step: Number, total: int, *, at: tuple[float, ...] = (0.5, 0.75), gamma: Annotated[float, Range(above=0)] = 0.1
) -> pt.Tensor:
    """Times `gamma` at each of these shares of the run (or after so many updates, if above 1)."""
    drops = pt.astype(step, "float64") * 0.0
    for place in at:
        drops = drops + pt.astype(step >= (round(place * total) if place <= 1 else round(place)), "float64")
    return pt.exp(drops * math.log(gamma))


def cosine_restarts(
    step: Number,
    total: int,
    *,
    first: Annotated[int, Range(low=1)] = 1000,
    growth: Annotated[int, Range(low=1)] = 1,
    floor: Share = 0.0,
) -> pt.Tensor:
    """Half a cosine from 1 to `floor` over `first` updates, then again from 1 over `growth` times as many.

    Source    Loshchilov and Hutter 2017 (SGDR)
    """
    count = pt.astype(step, "float64")
    if growth == 1:
        begun, length = pt.floor(count / first) * first, count * 0.0 + first
    else:
        # The first update of round k is first (growth^k - 1) / (growth - 1). Half an update keeps its rounding apart.
        rounds = pt.floor(pt.log((count + 0.5) / first * (growth - 1) + 1) / math.log(growth))
        length = pt.round(pt.pow(float(growth), rounds)) * first
        begun = (length - first) / (growth - 1)
    half = 0.5 * (1 + pt.cos((count - begun) / length * math.pi))
    return half * (1 - floor) + floor


def cyclic(
    step: Number,
    total: int,
    *,
    low: Share = 0.1,
    rise: Annotated[int, Range(low=1)] = 2000,
    fall: Annotated[int, Range(low=1)] = 2000,
    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
    gamma: Annotated[float, Range(above=0, high=1)] = 1.0,
) -> pt.Tensor:
    """Up from `low` to 1 over `rise` updates and down over `fall`, again and again (Smith 2017).

    The height halves with each cycle in mode "triangular2", and is times gamma^step in mode "exp_range".
    """
    count, length = pt.astype(step, "float64"), rise + fall
    cycle = pt.floor(count / length)
    place = count - cycle * length
    height = pt.where(place <= rise, place / rise, (length - place) / fall)
    if mode == "triangular2":
        height = height * pt.exp(cycle * -math.log(2.0))
    elif mode == "exp_range":
        height = height * pt.exp(count * math.log(gamma))
    return height * (1 - low) + low


def inverse_sqrt(step: Number, total: int, *, warmup: Annotated[int, Range(low=1)] = 4000) -> pt.Tensor:
    """Up to 1 over `warmup` updates, then falling as 1 / sqrt(step): Vaswani et al. 2017, equation 3, of height 1."""
    count = pt.astype(step, "float64") + 1
    return pt.minimum(count / warmup, pt.sqrt(warmup / count))


def ramp(
    step: Number,
    total: int,
    *,
    start: Annotated[float, Range(above=0, high=1)] = 1 / 3,
    end: Share = 1.0,
    over: Annotated[int, Range(low=1)] = 5,
) -> pt.Tensor:
    """A straight line from `start` to `end` over so many updates, and `end` from there on."""
    return _progress(step, 0, over) * (end - start) + start


export(globals())
