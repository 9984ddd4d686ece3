"""Mean teacher (Tarvainen & Valpola 2017): a slow average of the student teaches it on examples without labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import powertrain as pt
from powertrain.builtin.strategies.views import changed, demand_classes, rows
from powertrain.plugin import Batch, Run, SemiSupervised, SlowCopy, Step, param


class EmaTeacher(SemiSupervised):
    """Cross-entropy on what is labelled; on what is not, the student agrees with a slow average of itself.

    The unlabelled part is `data.split.unlabelled` or [data.unlabelled]; without one the training part serves.
    """

    @dataclass(frozen=True)
    class Params:
        keep: float = param(0.99, low=0, below=1, doc="share of the average that a step keeps")
        agree: float = param(1.0, low=0, doc="weight of agreeing with the teacher")
        ramp: int = param(200, low=0, doc="steps over which that weight grows to its value")
        noise: float = param(0.1, low=0, doc="deviation of the noise that student and teacher see, each its own")
        drop: float = param(0.1, low=0, below=1, doc="share of the inputs that each sees as zero")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    def setup(self, run: Run) -> None:
        demand_classes("ema-teacher", run)
        self.model = run.model()
        self.teacher = SlowCopy(run)
        self.opt = run.optim("model")
        self.loss = run.loss()
        self.done = run.slot("ema.steps", pt.zeros(()))
        self.data = with_unlabelled(run)

    def step(self, t: Step, batch: Batch) -> None:
        settings, x = self.params, batch.x
        weight, other_weight = batch.weight, batch.free_weight
        losses = rows(self.loss(self.model(changed(t, x, settings.noise, settings.drop)), batch.y))
        free = changed(t, batch.free_x, settings.noise, settings.drop)
        wanted = pt.stop_gradient(pt.softmax(self.teacher(changed(t, batch.free_x, settings.noise, settings.drop)), -1))
        apart = pt.mean(pt.square(pt.softmax(self.model(free), axis=-1) - wanted), axis=-1)
        rise = pt.minimum(self.done.value / max(1, settings.ramp), 1.0)
        # Both means by their own weights, in one number: the examples of the two batches belong together.
        total = pt.sum(losses * weight) / pt.sum(weight)
        agree = pt.sum(rows(apart) * other_weight) / pt.sum(other_weight)
        t.minimize(self.opt, total + settings.agree * rise * agree, couples=True)
        self.teacher.follow(settings.keep)
        self.done.value = self.done.value + 1
        t.log("loss", pt.sum(losses * weight), pt.sum(weight))

    def predict(self, t: Step, batch: Batch) -> Any:
        return self.teacher(batch.x)


def with_unlabelled(run: Run) -> Any:
    """The training part beside one without labels, `free_x` in a batch."""
    part = "unlabelled" if "unlabelled" in run.parts else "train"
    return run.data("train").beside(free=run.data(part, name="free"))
