"""Distillation (Hinton et al. 2015): a model learns from the probabilities that a trained one gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import powertrain as pt
from powertrain.builtin.strategies.views import demand_classes, rows
from powertrain.plugin import Batch, Run, Step, Strategy, param


class Distillation(Strategy):
    """The student is [model.model]; the teacher is [model.teacher], which begins with the `weights` of a finished run.

    With `data.split.unlabelled` the student also sees those examples, of which only the teacher's answer counts.
    """

    @dataclass(frozen=True)
    class Params:
        temperature: float = param(2.0, above=0, doc="above 1 the teacher's small probabilities count more")
        teacher: float = param(0.7, low=0, high=1, doc="weight of the teacher's answer; the rest is the label's")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    needs: ClassVar[tuple[str, ...]] = ("model", "model.teacher", "optimizer")
    example_recipe: ClassVar[str] = """\
data          = { use = "digits", split = { valid = 0.1, unlabelled = 0.2 } }
features      = [{ use = "scale", by = 0.0625 }]
model.model   = { use = "mlp", hidden = [16] }
model.teacher = { use = "mlp", hidden = [24] }
strategy      = "distillation"
optimizer     = { use = "adamw", lr = 1e-3 }
run           = { until = "50 steps", batch_size = 32 }
"""

    def setup(self, run: Run) -> None:
        demand_classes("distillation", run)
        self.model = run.model()
        self.teacher = run.model("teacher", frozen=True)
        self.teacher.eval()  # it answers as it does when it is used: no dropout
        self.opt = run.optim("model")
        self.loss = run.loss()
        self.free = "unlabelled" in run.parts
        self.data = run.data("train")
        if self.free:
            self.data = self.data.beside(free=run.data("unlabelled"))

    def apart(self, x: Any) -> tuple[Any, Any]:
        """The student's outputs, and per example how far it is from the teacher: T^2 KL(teacher || student)."""
        heat = self.params.temperature
        output = self.model(x)
        wanted = pt.stop_gradient(self.teacher(x)) / heat
        told, said = pt.log_softmax(wanted, axis=-1), pt.log_softmax(output / heat, axis=-1)
        return output, rows(heat**2 * pt.sum(pt.exp(told) * (told - said), axis=-1))

    def step(self, t: Step, batch: Batch) -> None:
        share, weight = self.params.teacher, batch.weight
        output, apart = self.apart(batch.x)
        losses = rows(self.loss(output, batch.y))
        total = pt.sum((losses * (1 - share) + apart * share) * weight) / pt.sum(weight)
        if self.free:
            _, free = self.apart(batch.free_x)
            total = total + share * pt.sum(free * batch.free_weight) / pt.sum(batch.free_weight)
        t.minimize(self.opt, total, couples=True)
        t.log("loss", pt.sum(losses * weight), pt.sum(weight))
        t.log("apart", pt.sum(apart * weight), pt.sum(weight))
