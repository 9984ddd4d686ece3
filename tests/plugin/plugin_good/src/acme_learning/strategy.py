"""Supervised learning that also keeps a slow average of the weights, and predicts with the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import powertrain as pt
from powertrain.plugin import Strategy, param


class Averaged(Strategy):
    @dataclass(frozen=True)
    class Params:
        keep: float = param(0.99, low=0, below=1, doc="share of the average that a step keeps")
        steps: int = param(20, low=1, doc="steps in one round")

    def setup(self, run: Any) -> None:
        self.model = run.model()
        self.opt = run.optim("model")
        self.loss = run.loss()
        self.data = run.data("train")
        self.averages = [
            (slot, run.slot(f"average.{name}", slot.numpy())) for name, slot in self.model.named_parameters()
        ]

    def step(self, t: Any, batch: Any) -> None:
        losses = self.loss(self.model(batch.x), batch.y)
        t.minimize(self.opt, losses, batch.weight)
        for slot, average in self.averages:
            average.value = average.value * self.params.keep + slot.value * (1 - self.params.keep)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))

    def round(self, run: Any) -> None:
        run.loop(self.step, self.data, run.quota(self.data, self.params.steps))
