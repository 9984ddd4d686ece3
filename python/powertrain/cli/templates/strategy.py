"""A strategy: supervised learning that also keeps a slow average of the weights."""

from __future__ import annotations

from dataclasses import dataclass

import powertrain as pt
from powertrain.plugin import Batch, Run, Step, Strategy, param


class Averaged(Strategy):
    @dataclass(frozen=True)
    class Params:
        keep: float = param(0.99, low=0, below=1, doc="share of the average that a step keeps")

    def setup(self, run: Run) -> None:
        super().setup(run)
        self.averages = [
            (slot, run.slot(f"average.{name}", slot.numpy())) for name, slot in self.model.named_parameters()
        ]

    def step(self, t: Step, batch: Batch) -> None:
        losses = self.loss(self.model(batch.x), batch.y)
        t.minimize(self.opt, losses, batch.weight)
        for slot, average in self.averages:
            average.value = average.value * self.params.keep + slot.value * (1 - self.params.keep)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))
