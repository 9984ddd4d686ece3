"""Contrastive learning (SimCLR, Chen et al. 2020): two changed views of an example lie together, others apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.builtin.strategies.views import changed
from powertrain.plugin import Batch, Inputs, Run, Step, Strategy, nt_xent, param


class Contrastive(Strategy):
    """Learns a representation without labels: the model's outputs, `width` numbers, are the place of an example.

    `predict` gives the places, scaled to length 1; a linear model on them needs few labels.
    """

    @dataclass(frozen=True)
    class Params:
        width: int = param(32, low=2, doc="numbers in the place of an example")
        temperature: float = param(0.2, above=0, doc="below 1 the nearest others count most")
        noise: float = param(0.1, low=0, doc="deviation of the noise in a view")
        drop: float = param(0.3, low=0, below=1, doc="share of a view's inputs that are zero")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    def setup(self, run: Run) -> None:
        given = run.dataset.inputs()
        self.model = run.model(inputs=Inputs("regression", given.shape, self.params.width, given.dtype))
        self.opt = run.optim("model")
        self.data = run.data("train")

    def losses(self, t: Step, batch: Batch) -> Any:
        """NT-Xent: of all the other places, the one of the same example must be nearest."""
        views = (changed(t, batch.x, self.params.noise, self.params.drop) for _ in range(2))
        first, second = (self.model(view) for view in views)
        return nt_xent(first, second, batch.weight, self.params.temperature)

    def step(self, t: Step, batch: Batch) -> None:
        losses = self.losses(t, batch)
        mean = pt.sum(losses * batch.weight) / pt.sum(batch.weight)
        t.minimize(self.opt, mean, couples=True)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))

    def predict(self, t: Step, batch: Batch) -> Any:
        return F.normalize(self.model(batch.x))
