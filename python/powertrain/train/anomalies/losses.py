"""Losses far above the recent ones, and losses and gradients that are not finite: found inside of the compiled step.

The median of the recent losses is what is usual, and their median absolute deviation tells how far they scatter. A few
spikes among them move neither, as they would a mean and a standard deviation (Iglewicz & Hoaglin 1993, How to Detect
and Handle Outliers).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

import powertrain as pt

if TYPE_CHECKING:
    from powertrain.recipe.sections import Anomalies

SPIKE, ODD_GRADIENT, ODD_LOSS = 1, 2, 3  # the last two are not finite
# Of a normal distribution the median absolute deviation times this is the standard deviation.
OF_NORMAL = 1.4826
MOST_KEPT = 16  # anomalies of one round that are told one by one


@dataclass(frozen=True)
class OddLoss:
    """A loss that is an anomaly: at which call of `minimize`, and what was usual there."""

    call: int
    kind: int
    loss: float
    usual: float
    more: int = 0  # in this round, before those that are told

    def words(self) -> str:
        if self.kind == SPIKE:
            said = f"the loss is {self.loss:.4g}, where {self.usual:.4g} is usual"
        elif self.kind == ODD_GRADIENT:
            said = f"a gradient is not finite, the loss is {self.loss:.4g}"
        else:
            said = "the loss is not finite"
        return said + (f"; {self.more:,} more before it" if self.more else "")


class RecentLosses:
    """The recent losses of one optimizer, and what is odd among them since the last commit, in slots, so that a resume
    finds the same. Every finite loss enters the window, also that of an update that was left out: where losses rise for
    good, half a window is the most that is taken for spikes."""

    def __init__(self, settings: Anomalies, name: str) -> None:
        self._settings = settings
        self.recent = pt.Slot(np.zeros(settings.window), name=f"anomalies.{name}.recent")  # the newest last
        # Calls of `minimize`, losses that entered the window, the median of the first full window, anomalies.
        self._counts = pt.Slot(np.zeros(4), name=f"anomalies.{name}.counts")
        self._odd = pt.Slot(np.zeros((MOST_KEPT, 4)), name=f"anomalies.{name}.odd")  # the newest last

    @property
    def slots(self) -> tuple[Any, ...]:
        return self.recent, self._counts, self._odd

    def update(self, opt: Any, grads: Any, total: Any, weight: Any) -> pt.Tensor | None:
        """Called inside a trace: `opt.update` with a look at the loss. Returns whether the update is left out, where it
        may be."""
        settings = self._settings
        loss = pt.astype(total if weight is None else total / weight, "float64")
        calls, entered, first, found = pt.unstack(self._counts.value)
        usual = pt.median(self.recent.value)
        scatter = OF_NORMAL * pt.median(pt.abs(self.recent.value - usual))
        first = pt.where(pt.equal(entered, settings.window), usual, first)
        limit = usual + pt.maximum(settings.deviations * scatter, settings.least_rise * pt.abs(first))
        spikes = pt.logical_and(pt.greater(loss, limit), pt.greater_equal(entered, settings.window))
        finite, left_out = self._updated(opt, grads, weight, loss, spikes)
        enters = pt.isfinite(loss)
        of_finite = 0.0 if settings.spike == "off" else pt.where(spikes, float(SPIKE), 0.0)
        kind = pt.where(finite, of_finite, pt.where(enters, float(ODD_GRADIENT), float(ODD_LOSS)))
        # No slot holds what is not finite: an error of a later step would name it as the cause.
        entry = pt.expand_dims(pt.stack([calls + 1, kind, pt.where(enters, loss, 0.0), usual]), 0)
        odd = pt.greater(kind, 0.0)
        self._odd.value = pt.where(odd, pt.concat([self._odd.value[1:], entry]), self._odd.value)
        self.recent.value = pt.where(
            enters, pt.concat([self.recent.value[1:], pt.expand_dims(loss, 0)]), self.recent.value
        )
        self._counts.value = pt.stack([calls + 1, entered + enters, first, found + odd])
        return left_out

    def _updated(
        self, opt: Any, grads: Any, weight: Any, loss: pt.Tensor, spikes: pt.Tensor
    ) -> tuple[pt.Tensor, pt.Tensor | None]:
        """Make the update, or leave it out; whether its numbers are finite, and whether it is left out."""
        skips, forgives = self._settings.spike == "skip", self._settings.not_finite != "error"
        finite, left_out = pt.isfinite(loss), None
        scales = opt.loss_scale is not None  # which leaves out gradients that are not finite, and is no anomaly
        if not (skips or forgives or scales):
            opt.update(grads, weight)
            return finite, None

        def check(norm: pt.Tensor) -> pt.Tensor:
            nonlocal finite, left_out
            if not forgives and not scales:
                norm = pt.guard(norm)
                pt.end_phase()  # this guard is an error, the next one is none
            whole = pt.logical_and(finite, pt.isfinite(norm))
            finite = finite if scales else whole
            left_out = pt.logical_or(pt.logical_not(whole), spikes) if skips else pt.logical_not(whole)
            return pt.guard(pt.where(left_out, math.nan, norm), skip=True)

        opt.update(grads, weight, check=check)
        return finite, left_out

    @property
    def calls(self) -> int:
        """How often the optimizer was updated, or would have been."""
        return int(self._counts.numpy()[0])

    def take(self) -> list[OddLoss]:
        """What is odd since this was called before; of many the last ones."""
        counts = self._counts.numpy().copy()
        number = int(counts[3])
        if number == 0:
            return []
        rows = self._odd.numpy()[-min(number, MOST_KEPT) :].tolist()
        self._counts.value = pt.tensor(np.array([*counts[:3], 0.0]))
        self._odd.value = pt.zeros((MOST_KEPT, 4), "float64")
        found = [OddLoss(int(call), int(kind), loss, usual) for call, kind, loss, usual in rows]
        return [replace(found[0], more=number - len(rows)), *found[1:]]
