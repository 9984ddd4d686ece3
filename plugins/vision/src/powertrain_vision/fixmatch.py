"""FixMatch (Sohn et al. 2020): what the model says of a picture, where it is sure, is the label of a changed view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.plugin import Batch, Run, SemiSupervised, SlowCopy, Step, param
from powertrain_vision.views import AveragedParams, demand_views, strong, weak


class FixMatch(SemiSupervised):
    """Cross-entropy on labelled pictures, and on those of whose weak view the model is sure: their strong view must get
    the same answer. A slow average of the weights makes the predictions.

    Pictures without labels are the part `unlabelled`: `data.split.labelled`, `data.split.unlabelled` or
    [data.unlabelled].
    """

    @dataclass(frozen=True)
    class Params(AveragedParams):
        sure: float = param(0.95, above=0, below=1, doc="probability from which an answer counts as a label")
        share: float = param(1.0, low=0, doc="weight of the pictures without labels beside the labelled ones")
        ratio: int = param(7, low=1, high=1024, doc="pictures without labels in a step, for each labelled one")

    task: ClassVar[str] = "classification"

    def setup(self, run: Run) -> None:
        demand_views("fixmatch", run)
        self.model = run.model()
        self.average = SlowCopy(run, "average")
        self.opt = run.optim("model")
        # Labels of the pictures that a split has taken them from are known: of them the report shows what came true.
        self.judged = "unlabelled" in run.dataset.splits
        self.data = run.data("train").beside(free=run.data("unlabelled", times=self.params.ratio))

    def step(self, t: Step, batch: Batch) -> None:
        settings, weight, free_weight = self.params, batch.weight, batch.free_weight
        said = pt.stop_gradient(pt.softmax(self.model(weak(t, batch.free_x, settings)), axis=-1))
        answers = pt.argmax(said, axis=-1)
        is_sure = pt.astype(pt.max(said, axis=-1) >= settings.sure, "float32") * free_weight
        # One pass over both, so that batch norm sees the labelled pictures among the others.
        views = pt.concat([weak(t, batch.x, settings), strong(t, batch.free_x, settings)], axis=0)
        output = self.model(views)
        count = batch.x.shape[0]
        losses, free = losses_of(output[:count], batch.y), losses_of(output[count:], answers)
        loss = pt.sum(losses * weight) / pt.sum(weight)
        # Divided by all, not by the sure ones: few sure pictures must not weigh as much as many.
        free_loss = pt.sum(free * is_sure) / pt.sum(free_weight)
        t.minimize(self.opt, loss + settings.share * free_loss, couples=True)
        self.average.follow(settings.keep)
        t.log("loss", pt.sum(losses * weight), pt.sum(weight))
        t.log("sure", pt.sum(is_sure), pt.sum(free_weight))
        if self.judged:
            right = pt.astype(answers == batch.free_y, "float32")
            t.log("right", pt.sum(right * is_sure), pt.sum(is_sure))

    def predict(self, t: Step, batch: Batch) -> Any:
        return self.average(batch.x)


def losses_of(output: Any, target: Any) -> Any:
    return F.cross_entropy(output, target, ignore_index=None, reduction="none")
