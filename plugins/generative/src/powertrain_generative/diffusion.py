"""Diffusion models (Ho et al. 2020): a network learns to take noise away, and makes pictures of nothing but noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

import powertrain as pt
from powertrain.plugin import Baseline, Batch, Inputs, Range, Run, Section, Step, Strategy, as_floats, features, param
from powertrain_generative.averages import WeightAverage
from powertrain_generative.judge import RECOGNISED, SCORES, class_number, demand_every_class, drawn_section, quality
from powertrain_generative.pixels import demand_unit, some_rows
from powertrain_generative.way import placed, walked

CHUNK = 100  # samples that are drawn at once


class Diffusion(Strategy):
    """An example turns into noise along a quarter of a circle, x cos(w) + noise sin(w). The model says the direction of
    that way (Salimans and Ho 2022), and samples go it back. An average of the weights answers. Where the data has
    classes the model is told them, but for a share, so that samples can be guided (Ho and Salimans 2022)."""

    @dataclass(frozen=True)
    class Params:
        keep: float = param(0.998, low=0, below=1, doc="share of the average of the weights that a step keeps")
        untold: float = param(0.1, low=0, high=1, doc="share of the examples whose class the model is not told")
        judged: int = param(1000, low=0, doc="samples of which the quality is measured at the end; 0 for none")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    scores: ClassVar[tuple[str, ...]] = (*SCORES, RECOGNISED)
    example_recipe: ClassVar[str] = """\
data      = { use = "digits", split = { valid = 0.1 } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "unet", widths = [4, 8], condition = 8 }
strategy  = { use = "diffusion", judged = 0 }
optimizer = { use = "adam", lr = 1e-3 }
run       = { until = "100 rounds", batch_size = 16 }
"""

    def setup(self, run: Run) -> None:
        demand_unit("diffusion", run)
        given = run.dataset.inputs()
        self.shape = given.shape
        self.labels = run.dataset.labels if run.dataset.task == "classification" else ()
        inputs = Inputs("regression", given.shape, features(given), labels=self.labels)
        self.averaged = WeightAverage("diffusion", run, inputs)
        self.model, self.average = self.averaged.of, self.averaged.model
        self.opt = run.optim("model")
        self.data = run.data("train")

    def misses(self, t: Step, batch: Batch, model: Any, told: Any) -> Any:
        """The squared error of the direction at a random place of each example's way."""
        x = 2 * as_floats(batch.x) - 1
        when = t.rng.uniform(size=(x.shape[0],))
        place, direction = placed(x, t.rng.normal(size=tuple(x.shape)), when)
        return pt.mean(pt.square(model(place, when, told) - direction), axis=1)

    def told(self, batch: Batch) -> Any:
        return pt.astype(batch.y, "int64") + 1 if self.labels else pt.zeros((batch.x.shape[0],), dtype="int64")

    def losses(self, t: Step, batch: Batch) -> Any:
        return self.misses(t, batch, self.average, self.told(batch))

    def step(self, t: Step, batch: Batch) -> None:
        told = self.told(batch)
        told = pt.where(t.rng.uniform(size=tuple(told.shape)) < self.params.untold, 0, told)
        losses = self.misses(t, batch, self.model, told)
        t.minimize(self.opt, losses, batch.weight)
        self.averaged.follow(self.params.keep)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))

    def round(self, run: Run) -> None:
        if self.labels and run.progress.steps == 0:
            demand_every_class("diffusion", run)
        super().round(run)

    def predict(self, t: Step, batch: Batch) -> Any:
        """What is left of an example when the noise that the model sees in it is gone, as rows."""
        x, count, angle = 2 * as_floats(batch.x) - 1, batch.x.shape[0], 0.05 * math.pi
        said = self.average(x, pt.full((count,), 0.1), pt.zeros((count,), dtype="int64"))
        return 0.5 + 0.5 * (pt.reshape(x, (count, -1)) * math.cos(angle) - said * math.sin(angle))

    def directed(self, t: Step, batch: Batch) -> Any:
        return self.average(batch.x, batch.when, batch.kind)

    def guided(self, t: Step, batch: Batch) -> Any:
        """The direction for each example, moved away from the one for no class in particular."""
        without = self.average(batch.x, batch.when, pt.zeros_like(batch.kind))
        return without + pt.reshape(batch.guidance, (-1, 1)) * (self.directed(t, batch) - without)

    def sample(
        self,
        run: Run,
        count: int,
        seed: int,
        *,
        label: str = "",
        steps: Annotated[int, Range(low=1, high=1000)] = 50,
        guidance: Annotated[float, Range(low=0, high=100)] = 1.0,
        noise: Annotated[float, Range(low=0, high=1)] = 0.0,
    ) -> Any:
        """Samples of a class, or of each in turn. Without `noise` it is DDIM (Song et al. 2021), with 1 it is DDPM."""
        kinds = np.arange(count) % len(self.labels) + 1 if self.labels else np.zeros(count, np.int64)
        if label:
            kinds = np.full(count, class_number("diffusion", label, self.labels) + 1)
        rng, made = pt.random.Generator(seed), []
        for start in range(0, count, CHUNK):
            kind = kinds[start : start + CHUNK].astype(np.int64)
            push = np.full(len(kind), guidance, np.float32)

            def direction(x: Any, when: Any, kind: Any = kind, push: Any = push) -> Any:
                if guidance == 1:  # what the class says alone, for half of the work
                    return run.compute(self.directed, x=x, when=when, kind=kind)
                return run.compute(self.guided, x=x, when=when, kind=kind, guidance=push)

            x = rng.normal(size=(len(kind), *self.shape)).numpy()
            made.append(np.clip(0.5 + 0.5 * walked(direction, x, steps, noise, rng), 0, 1))
        return np.concatenate(made)

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        return quality(run, part, self.sample, self.params.judged, by_class=True)

    def simple(self, dataset: Any, part: str) -> list[Baseline]:
        """The direction is noise cos(w) - x sin(w), whose square is 1/2 + x^2 / 2 on average."""
        squares = np.square(2 * some_rows(dataset.splits[part]) - 1).mean()
        return [Baseline("dummy", "loss", float(0.5 + 0.5 * squares), "always 0")]

    def sections(self, run: Run) -> list[Section]:
        return drawn_section(run, self.sample, self.labels)
