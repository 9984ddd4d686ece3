"""A strategy: supervised learning that predicts with a slow average of the weights."""

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
        self.slow = run.model("slow", frozen=True)
        self.pairs = list(zip(self.slow.parameters(), self.model.parameters(), strict=True))
        for slow, quick in self.pairs:
            slow.value = quick.value

    def step(self, t: Step, batch: Batch) -> None:
        losses = self.loss(self.model(batch.x), batch.y)
        t.minimize(self.opt, losses, batch.weight)
        for slow, quick in self.pairs:
            slow.value = slow.value * self.params.keep + quick.value * (1 - self.params.keep)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))

    def predict(self, t: Step, batch: Batch) -> pt.Tensor:
        outputs: pt.Tensor = self.slow(batch.x)
        return outputs
