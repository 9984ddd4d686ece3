"""Pseudo-labels (Lee 2013): where the model is sure of an unlabelled example, its answer counts as the label."""

from __future__ import annotations

from dataclasses import dataclass

import powertrain as pt
from powertrain.builtin.strategies.views import changed, demand_classes, rows
from powertrain.plugin import Batch, Run, SemiSupervised, Step, param


class PseudoLabel(SemiSupervised):
    """Cross-entropy on what is labelled, and on what the model is sure of: a changed view must get the answer that the
    example itself gets. The unlabelled part is `data.split.unlabelled` or [data.unlabelled]."""

    @dataclass(frozen=True)
    class Params:
        sure: float = param(0.9, above=0, below=1, doc="probability from which an answer counts as a label")
        share: float = param(1.0, low=0, doc="weight of the pseudo-labelled examples beside the labelled ones")
        warmup: int = param(200, low=0, doc="steps on the labelled examples alone, before answers are worth anything")
        noise: float = param(0.1, low=0, doc="deviation of the noise in the view that must get the answer")
        drop: float = param(0.1, low=0, below=1, doc="share of its inputs that are zero")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    def setup(self, run: Run) -> None:
        demand_classes("pseudo-label", run)
        self.model = run.model()
        self.opt = run.optim("model")
        self.loss = run.loss("cross-entropy")
        self.done = run.slot("pseudo.steps", pt.zeros(()))
        self.data = run.data("train").beside(free=run.data("unlabelled"))

    def step(self, t: Step, batch: Batch) -> None:
        settings, weight = self.params, batch.weight
        losses = rows(self.loss(self.model(batch.x), batch.y))
        answers = pt.stop_gradient(pt.softmax(self.model(batch.free_x), axis=-1))
        is_sure = pt.astype(pt.max(answers, axis=-1) >= settings.sure, "float32")
        begun = pt.astype(self.done.value >= settings.warmup, "float32")
        view = self.model(changed(t, batch.free_x, settings.noise, settings.drop))
        free = rows(self.loss(view, pt.argmax(answers, axis=-1)))
        total = pt.sum(losses * weight) / pt.sum(weight)
        # Divided by all, not by the sure ones: few sure examples must not weigh as much as many.
        pulled = pt.sum(free * is_sure * batch.free_weight) / pt.sum(batch.free_weight)
        t.minimize(self.opt, total + settings.share * begun * pulled, couples=True)
        self.done.value = self.done.value + 1
        t.log("loss", pt.sum(losses * weight), pt.sum(weight))
        t.log("sure", pt.sum(is_sure * batch.free_weight), pt.sum(batch.free_weight))
