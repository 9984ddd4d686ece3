"""Checks of schedules: a finite factor at every update, and the same bits in a trace."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import powertrain as pt
from powertrain.conformance.finding import Finding, Subject, no_global_random, same
from powertrain.plugin.params import call_with


def check_schedule(subject: Subject) -> Iterator[Finding]:
    schedule = call_with(subject.plugin, subject.params)
    total = 20
    compiled = pt.compile(lambda step: schedule(step, total))
    for number in range(total + 2):
        try:
            with no_global_random(subject, "the schedule") as drawn:
                eager = np.asarray(schedule(pt.tensor(number, dtype="int64"), total))
                traced = np.asarray(compiled(pt.tensor(number, dtype="int64")))
        except Exception as error:
            yield subject.raised(f"update {number} of {total}", error)
            return
        if drawn:
            yield from drawn
            return
        if eager.shape != () or not np.isfinite(eager) or eager < 0:
            yield subject.finding(
                "schedule-value",
                f"the factor at update {number} of {total} is {eager.tolist()}",
                "one finite number >= 0, also past the end",
                "clip the share of the way to 1",
            )
            return
        if not same(eager, traced):
            yield subject.finding(
                "compiled-differs",
                f"compiled the factor at update {number} is {traced.item():.6g} instead of {eager.item():.6g}",
                "the same bits",
                "compute with step, a tensor; use pt.where instead of if",
            )
            return
