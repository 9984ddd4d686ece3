"""Normalizing flows (Rezende and Mohamed 2015): the exact density of an example, by a map that can be undone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import powertrain as pt
from powertrain.plugin import Baseline, Batch, Inputs, Run, Section, Step, Strategy, as_rows, features, param
from powertrain_generative.errors import GenerativeError
from powertrain_generative.judge import drawn_section
from powertrain_generative.pixels import demand_unit, some_rows

EDGE = 0.05  # that keeps the logit of 0 and 1 finite
MOST = 10_000  # training examples that the simple predictor is fitted on
NORMAL = 0.5 * math.log(2 * math.pi)


class Flow(Strategy):
    """Minimizes -log p. Of numbers with `levels`, such as pixels from 0 to 1, each becomes a uniform draw from its
    level (Theis et al. 2016), and the loss is in bits for each; else it is in nats for an example."""

    @dataclass(frozen=True)
    class Params:
        levels: int = param(0, low=0, high=256, doc="levels of a number from 0 to 1: 256 for bytes; 0 for any numbers")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

        def __post_init__(self) -> None:
            if self.levels == 1:
                raise ValueError("levels = 1; expected 0 or at least 2; 256 for bytes")

    example_recipe: ClassVar[str] = """\
data      = { use = "digits", split = { valid = 0.1 } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "real-nvp", layers = 2, hidden = [8] }
strategy  = { use = "flow", levels = 17 }
optimizer = { use = "adam", lr = 1e-3 }
run       = { until = "100 rounds", batch_size = 16 }
"""

    def setup(self, run: Run) -> None:
        if self.params.levels:
            demand_unit("flow", run)
        given = run.dataset.inputs()
        self.shape, self.size = given.shape, features(given)
        self.model = run.model(inputs=Inputs("regression", given.shape, self.size + 1))
        if not callable(getattr(self.model, "invert", None)):
            raise GenerativeError(
                f"[flow] the model {type(self.model).__name__} has no invert; expected an invertible model; "
                'model = "real-nvp"'
            )
        self.opt = run.optim("model")
        self.data = run.data("train")

    def nats(self, x: Any, within: Any) -> Any:
        """-log p of each row: of numbers, or of their levels, at a place `within` each level."""
        x, levels, volume = as_rows(x), self.params.levels, 0.0
        if levels:
            place = EDGE + (1 - 2 * EDGE) * (pt.floor(x * (levels - 1) + 0.5) + within) / levels
            x = pt.log(place) - pt.log1p(-place)
            volume = pt.sum(math.log((1 - 2 * EDGE) / levels) - pt.log(place) - pt.log1p(-place), axis=1)
        said = self.model(x)
        log_p = -pt.sum(0.5 * pt.square(said[:, :-1]) + NORMAL, axis=1)
        return -(log_p + said[:, -1] + volume)

    def losses(self, t: Step, batch: Batch) -> Any:
        within = t.rng.uniform(size=(batch.x.shape[0], self.size)) if self.params.levels else 0.0
        return self.nats(batch.x, within) * (1 / (self.size * math.log(2)) if self.params.levels else 1.0)

    def step(self, t: Step, batch: Batch) -> None:
        losses = self.losses(t, batch)
        t.minimize(self.opt, losses, batch.weight)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))

    def predict(self, t: Step, batch: Batch) -> Any:
        """log p of each example, in nats; of levels, at the middle of each."""
        return pt.reshape(-self.nats(batch.x, 0.5), (-1, 1))

    def draw(self, t: Step, batch: Batch) -> Any:
        x, levels = self.model.invert(batch.place), self.params.levels
        if levels:
            share = pt.clip((pt.sigmoid(x) - EDGE) / (1 - 2 * EDGE), 0.0, 1.0)
            x = pt.minimum(pt.floor(share * levels), levels - 1) / (levels - 1)
        return pt.reshape(x, (batch.place.shape[0], *self.shape))

    def sample(self, run: Run, count: int, seed: int) -> Any:
        place = pt.random.Generator(seed).normal(size=(count, self.size)).numpy()
        return run.compute(self.draw, place=place)

    def simple(self, dataset: Any, part: str) -> list[Baseline]:
        """The normal distribution with the mean and the covariance of the training part."""
        levels, draw = self.params.levels, np.random.Generator(np.random.Philox(key=1))
        train, held = (some_rows(dataset.splits[name], MOST).astype(np.float64) for name in ("train", part))
        if levels:
            train, held = ((np.rint(x * (levels - 1)) + draw.uniform(size=x.shape)) for x in (train, held))
        mean = train.mean(axis=0)
        spread = np.cov(train.T) + 1e-6 * np.eye(self.size)
        apart = np.linalg.solve(spread, (held - mean).T).T
        nats = 0.5 * ((held - mean) * apart).sum(axis=1).mean() + 0.5 * np.linalg.slogdet(spread)[1]
        nats += self.size * NORMAL
        unit = self.size * math.log(2) if levels else 1.0
        return [Baseline("linear", "loss", float(nats / unit), "one normal distribution of all numbers")]

    def sections(self, run: Run) -> list[Section]:
        return drawn_section(run, self.sample) if self.params.levels else []
