"""A strategy: supervised learning that also keeps a slow average of the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import powertrain as pt
from powertrain.plugins import Run, Step, param


class Averaged:
    @dataclass(frozen=True)
    class Params:
        keep: float = param(0.99, low=0, below=1, doc="share of the average that a step keeps")

    resume: ClassVar[str] = "exact"

    def __init__(self, params: Params) -> None:
        self.params = params

    def setup(self, run: Run) -> None:
        self.model, self.opt, self.loss = run.model(), run.optim(), run.loss()
        self.data = run.data()
        self.averages = [
            (slot, run.slot(f"average.{name}", slot.numpy())) for name, slot in self.model.named_parameters()
        ]

    def step(self, t: Step, batch: Any) -> None:
        losses = self.loss(self.model(batch.x), batch.y)
        t.minimize(self.opt, losses, batch.weight)
        for slot, average in self.averages:
            average.value = average.value * self.params.keep + slot.value * (1 - self.params.keep)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))

    def round(self, run: Run) -> None:
        run.loop(self.step, self.data, run.quota(self.data, 64))

    def predict(self, t: Step, batch: Any) -> Any:
        return self.model(batch.x)
