"""MixMatch (Berthelot et al. 2019): guessed labels, made surer, of pictures that are then mixed with each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.plugin import Batch, Run, SemiSupervised, SlowCopy, Step, param
from powertrain_vision.views import AveragedParams, demand_views, weak

TRIALS = 24  # of which one is taken: that none is has a chance below 1 in 10,000 million for a Beta of 0.75


class MixMatch(SemiSupervised):
    """The label of a picture without one is the mean answer to two weak views, made surer. All pictures are mixed in
    pairs, labels too: cross-entropy on the labelled, squared distance of the probabilities on the others. A slow
    average of the weights makes the predictions."""

    @dataclass(frozen=True)
    class Params(AveragedParams):
        temperature: float = param(0.5, above=0, high=1, doc="below 1 the guessed labels are made surer")
        alpha: float = param(
            0.75, above=0, high=1, doc="parameter of the Beta distribution of shares; 1 draws them evenly"
        )
        share: float = param(25.0, low=0, doc="weight of the pictures without labels")
        ramp: int = param(500, low=0, doc="steps over which that weight grows to its value")

    task: ClassVar[str] = "classification"

    def setup(self, run: Run) -> None:
        demand_views("mixmatch", run)
        self.model = run.model()
        self.average = SlowCopy(run, "average")
        self.opt = run.optim("model")
        self.classes = run.dataset.outputs
        self.done = run.slot("mixmatch.steps", pt.zeros(()))
        self.data = run.data("train").beside(free=run.data("unlabelled"))

    def guessed(self, views: list[Any]) -> Any:
        """The mean of the answers to the views, made surer."""
        mean = sum(pt.softmax(self.model(view), axis=-1) for view in views) / len(views)
        surer = mean ** (1 / self.params.temperature)
        return pt.stop_gradient(surer / pt.sum(surer, axis=-1, keepdims=True))

    def step(self, t: Step, batch: Batch) -> None:
        settings, count = self.params, batch.x.shape[0]
        views = [weak(t, batch.free_x, settings) for _ in range(2)]
        guess = self.guessed(views)
        known = pt.astype(F.one_hot(batch.y, self.classes), "float32")
        x = pt.concat([weak(t, batch.x, settings), *views], axis=0)
        y = pt.concat([known, guess, guess], axis=0)
        weight = pt.concat([batch.weight, batch.free_weight, batch.free_weight], axis=0)
        # Padding is mixed into nothing: a pair counts as far as both pictures do.
        other = t.rng.permutation(x.shape[0])
        kept = self.kept(t, x.shape[0])
        x = mixed(x, pt.take(x, other, axis=0), kept)
        y = mixed(y, pt.take(y, other, axis=0), kept)
        weight = weight * pt.take(weight, other, axis=0)
        output = self.model(x)
        losses = -pt.sum(y * pt.log_softmax(output, axis=-1), axis=-1)[:count]
        apart = pt.mean(pt.square(pt.softmax(output, axis=-1) - y), axis=-1)[count:]
        labelled, free = weight[:count], weight[count:]
        rise = pt.minimum(self.done.value / max(1, settings.ramp), 1.0)
        loss = pt.sum(losses * labelled) / pt.maximum(pt.sum(labelled), 1.0)
        agree = pt.sum(apart * free) / pt.maximum(pt.sum(free), 1.0)
        t.minimize(self.opt, loss + settings.share * rise * agree, couples=True)
        self.average.follow(settings.keep)
        self.done.value = self.done.value + 1
        t.log("loss", pt.sum(losses * labelled), pt.sum(labelled))
        t.log("apart", pt.sum(apart * free), pt.sum(free))

    def kept(self, t: Step, count: int) -> Any:
        """The share of each picture that stays, half at least: Beta(alpha, alpha) by Johnk's rejection (1964)."""
        first, second = (t.rng.uniform(size=(TRIALS, count)) ** (1 / self.params.alpha) for _ in range(2))
        total = first + second
        fits = pt.logical_and(total <= 1, total > 0)
        at = pt.reshape(pt.argmax(pt.astype(fits, "int32"), axis=0), (1, count))
        share = pt.reshape(pt.take_along_axis(first / pt.maximum(total, 1e-30), at, axis=0), (count,))
        return pt.maximum(share, 1 - share)

    def predict(self, t: Step, batch: Batch) -> Any:
        return self.average(batch.x)


def mixed(own: Any, other: Any, kept: Any) -> Any:
    share = pt.reshape(kept, (-1, *[1] * (len(own.shape) - 1)))
    return own * share + other * (1 - share)
