"""Checks of schedules: a finite factor at every update, and the same bits in a trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.conformance.elsewhere import elsewhere
from powertrain.conformance.finding import Finding, Subject, apart, no_global_random, same
from powertrain.conformance.leaks import check_leaks
from powertrain.conformance.usage import check_effects
from powertrain.optim.schedules import LambdaLR, Schedule
from powertrain.plugin.params import call_with

# How many updates a run has, and after how many the factor is looked at: at each where there are few, and far out.
RUNS = {
    20: tuple(range(22)),
    1: (0, 1, 2),
    1000: (0, 50, 99, 100, 250, 500, 900, 999, 1000, 5000),
    10_000_000: (0, 40_000, 9_999_999, 10_000_000, 40_000_000),
}


def check_schedule(subject: Subject) -> Iterator[Finding]:
    for total, steps in RUNS.items():
        found = list(_run(subject, total, steps))
        yield from found
        if found:
            return
    schedule, step = _over(subject.plugin, subject.params, 20), pt.tensor(3, dtype="int64")
    yield from check_leaks(subject, "the schedule", lambda: schedule(step))
    yield from check_effects(subject, lambda params: _factors(subject.plugin, params))


def _over(plugin: Any, params: Any, total: int) -> Schedule:
    """The schedule of a run of so many updates, as a recipe makes it."""
    made = call_with(plugin, params)
    return made.over(total) if isinstance(made, Schedule) else LambdaLR(lambda step: made(step, total))


def _factors(plugin: Any, params: Any) -> Iterator[bytes]:
    for total, steps in RUNS.items():
        schedule = _over(plugin, params, total)
        for number in steps:
            yield np.asarray(schedule(pt.tensor(number, dtype="int64"))).tobytes()
            yield np.asarray(schedule.momentum(pt.tensor(number, dtype="float64"), 0.5)).tobytes()


def _run(subject: Subject, total: int, steps: tuple[int, ...]) -> Iterator[Finding]:
    schedule = _over(subject.plugin, subject.params, total)
    compiled = pt.compile(lambda step: schedule(step))
    for number in steps:
        step = pt.tensor(number, dtype="int64")
        try:
            with no_global_random(subject, "the schedule") as drawn:
                eager = np.asarray(schedule(step))
                traced = np.asarray(compiled(step))
            with elsewhere(*subject.modules):
                again = np.asarray(schedule(step))
        except Exception as error:
            yield subject.raised(f"update {number:,} of {total:,}", error)
            return
        if drawn:
            yield from drawn
            return
        if eager.shape != () or not np.isfinite(eager) or eager < 0:
            yield subject.finding(
                "schedule-value",
                f"the factor at update {number:,} of {total:,} is {eager.tolist()}",
                "one finite number >= 0, also past the end",
                "clip the share of the way to 1, and divide by no total - 1",
            )
            return
        factor = f"the factor at update {number:,}"
        if not same(eager, again):
            yield subject.finding(
                "not-repeatable",
                f"asked again, {factor} is {' instead of '.join(apart(again.item(), eager.item()))}",
                "the same one, which step and total say alone",
                "keep nothing between calls, and read no clock",
            )
            return
        if not same(eager, traced):
            yield subject.finding(
                "compiled-differs",
                f"compiled {factor} is {' instead of '.join(apart(traced.item(), eager.item()))}",
                "the same bits",
                "compute with step, a tensor; use pt.where instead of if",
            )
            return
