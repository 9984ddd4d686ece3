"""Autoencoders: an example goes through a few numbers, and comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.plugin import Baseline, Batch, Inputs, Run, Section, Step, Strategy, as_floats, as_rows, features, param
from powertrain_generative.pixels import codes_section, rebuilt_section, some_rows

MOST = 10_000  # training examples that the simple predictors are fitted on


class Autoencoder(Strategy):
    """Minimizes the squared error of what comes back (Hinton and Salakhutdinov 2006). The models are `encoder`, which
    gives `code` numbers, and `decoder`, which reads them. With `noise` it is a denoising one (Vincent et al. 2008)."""

    @dataclass(frozen=True)
    class Params:
        code: int = param(8, low=1, doc="numbers in the middle")
        noise: float = param(0.0, low=0, doc="deviation of the noise on what it sees, not on what it must give")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    def setup(self, run: Run) -> None:
        given, code = run.dataset.inputs(), self.params.code
        self.encoder = run.model("encoder", inputs=Inputs("regression", given.shape, code))
        self.decoder = run.model("decoder", inputs=Inputs("regression", (code,), features(given)))
        self.opt = run.optim("encoder", "decoder")
        self.data = run.data("train")

    def encode(self, t: Step, batch: Batch) -> Any:
        return self.encoder(as_floats(batch.x))

    def predict(self, t: Step, batch: Batch) -> Any:
        """What comes back, as rows."""
        return self.decoder(self.encode(t, batch))

    def errors(self, wanted: Any, made: Any) -> Any:
        """The mean squared error of each example."""
        return pt.mean(pt.square(made - as_rows(wanted)), axis=1)

    def losses(self, t: Step, batch: Batch) -> Any:
        return self.errors(batch.x, self.predict(t, batch))

    def step(self, t: Step, batch: Batch) -> None:
        x = as_floats(batch.x)
        seen = x + self.params.noise * t.rng.normal(size=tuple(x.shape)) if self.params.noise else x
        losses = self.errors(x, self.decoder(self.encoder(seen)))
        t.minimize(self.opt, losses, batch.weight)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))

    def simple(self, dataset: Any, part: str) -> list[Baseline]:
        """The mean example, and the principal components, as many as the code has numbers."""
        train, held = (some_rows(dataset.splits[name], MOST).astype(np.float64) for name in ("train", part))
        mean = train.mean(axis=0)
        _, vectors = np.linalg.eigh((train - mean).T @ (train - mean))
        axes = vectors[:, -self.params.code :]
        apart = held - mean
        lost = apart - apart @ axes @ axes.T
        return [
            Baseline("dummy", "loss", float(np.square(apart).mean()), "always the mean example"),
            Baseline("linear", "loss", float(np.square(lost).mean()), f"{axes.shape[1]} principal components"),
        ]

    def sections(self, run: Run) -> list[Section]:
        found = rebuilt_section(run, run.predict)
        if self.params.code == 2:
            found += codes_section(run, lambda x: run.compute(self.encode, x=x))
        return found
