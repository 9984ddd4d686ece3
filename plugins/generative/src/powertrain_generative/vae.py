"""The variational autoencoder (Kingma and Welling 2014): a code that new examples can be drawn from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.plugin import Baseline, Batch, Inputs, Run, Section, Step, Strategy, features, param, pictures_section
from powertrain_generative.pixels import (
    codes_section,
    demand_unit,
    held_out,
    independent_bits,
    is_picture,
    levelled,
    middles,
    nats_of_levels,
    rebuilt_section,
    some_rows,
)

ROWS, COLUMNS = 5, 10  # of the pages
MOST = 10_000  # training examples that the simple predictor counts


class Vae(Strategy):
    """Minimizes the bits that an example takes: those of its code beyond the prior, and those of its numbers given the
    code. The models are `encoder` and `decoder`. Examples are numbers from 0 to 1, such as pixels."""

    @dataclass(frozen=True)
    class Params:
        code: int = param(16, low=1, doc="numbers in the middle")
        levels: int = param(2, low=2, high=256, doc="levels of a number: 2 for black or white, 256 for bytes")
        beta: float = param(1.0, above=0, doc="weight of the code's bits in training; the loss that is reported has 1")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    def setup(self, run: Run) -> None:
        demand_unit("vae", run)
        given, code = run.dataset.inputs(), self.params.code
        self.shape, self.size = given.shape, features(given)
        outputs = self.size if self.params.levels == 2 else 2 * self.size
        self.encoder = run.model("encoder", inputs=Inputs("regression", given.shape, 2 * code))
        self.decoder = run.model("decoder", inputs=Inputs("regression", (code,), outputs))
        self.opt = run.optim("encoder", "decoder")
        self.data = run.data("train")

    def posterior(self, x: Any) -> tuple[Any, Any]:
        """The middle and the log variance of an example's code."""
        seen = pt.reshape(levelled(x, self.params.levels), (x.shape[0], *self.shape))
        said, code = self.encoder(seen), self.params.code
        return said[:, :code], pt.clip(said[:, code:], -12.0, 12.0)

    def bits(self, t: Step, batch: Batch) -> tuple[Any, Any]:
        """Bits for each number of an example: of its code beyond the prior, and of itself given the code."""
        middle, log_variance = self.posterior(batch.x)
        code = middle + pt.exp(0.5 * log_variance) * t.rng.normal(size=tuple(middle.shape))
        beyond = 0.5 * pt.sum(pt.square(middle) + pt.expm1(log_variance) - log_variance, axis=1)
        wanted = levelled(batch.x, self.params.levels)
        given = nats_of_levels(wanted, self.decoder(code), self.params.levels)
        each = 1 / (self.size * math.log(2))
        return beyond * each, given * each

    def losses(self, t: Step, batch: Batch) -> Any:
        """An upper bound of -log2 p for each number, by one code of each example."""
        beyond, given = self.bits(t, batch)
        return beyond + given

    def step(self, t: Step, batch: Batch) -> None:
        beyond, given = self.bits(t, batch)
        t.minimize(self.opt, given + self.params.beta * beyond, batch.weight)
        total = pt.sum(batch.weight)
        t.log("loss", pt.sum((beyond + given) * batch.weight), total)
        t.log("code_bits", pt.sum(beyond * batch.weight) * self.size, total)

    def encode(self, t: Step, batch: Batch) -> Any:
        return self.posterior(batch.x)[0]

    def decode(self, t: Step, batch: Batch) -> Any:
        return pt.reshape(middles(self.decoder(batch.code), self.params.levels), (batch.code.shape[0], *self.shape))

    def predict(self, t: Step, batch: Batch) -> Any:
        """What comes back from the middle of an example's code, as rows."""
        return middles(self.decoder(self.posterior(batch.x)[0]), self.params.levels)

    def sample(self, run: Run, count: int, seed: int) -> Any:
        code = pt.random.Generator(seed).normal(size=(count, self.params.code)).numpy()
        return run.compute(self.decode, code=code)

    def simple(self, dataset: Any, part: str) -> list[Baseline]:
        levels = self.params.levels
        train, held = (some_rows(dataset.splits[name], MOST) for name in ("train", part))
        if levels == 2:
            train, held = (train > 0.5).astype(np.float32), (held > 0.5).astype(np.float32)
        return [Baseline("dummy", "loss", independent_bits(levels, train, held), "each number by itself")]

    def sections(self, run: Run) -> list[Section]:
        found = rebuilt_section(run, run.predict)
        if is_picture(self.shape):
            drawn = self.sample(run, ROWS * COLUMNS, 0)
            found.append(pictures_section("Samples", drawn, columns=COLUMNS, lines=("Drawn from the prior.",)))
            found.append(self.between(run))
        if self.params.code == 2:
            found += codes_section(run, lambda x: run.compute(self.encode, x=x))
        return found

    def between(self, run: Run) -> Section:
        """From one held-out example to another, along a straight line between their codes."""
        codes = np.asarray(run.compute(self.encode, x=held_out(run, 2 * ROWS)), np.float32)
        way = np.linspace(0, 1, COLUMNS, dtype=np.float32)[None, :, None]
        first, last = codes[0::2][:, None], codes[1::2][:, None]
        line = (first * (1 - way) + last * way).reshape(-1, codes.shape[1])
        shown = run.compute(self.decode, code=line)
        return pictures_section("Interpolations", shown, columns=COLUMNS, lines=("Left and right are held out.",))
