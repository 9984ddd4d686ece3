"""Small maps of numbers that stand for pictures: how they are learned, measured and shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.plugin import Batch, Inputs, Run, Step, as_rows, features, param
from powertrain_vision.errors import VisionError
from powertrain_vision.retrieval import pairs_of
from powertrain_vision.views import moved


@dataclass(frozen=True)
class CodeParams:
    """The part of a strategy's parameters that is about pictures and their codes."""

    code: tuple[int, ...] = param((8, 8, 4), low=1, doc="height and width of a code, and numbers at each place")
    code_steps: int = param(600, low=1, doc="steps in which codes are learned, before any others")
    code_penalty: float = param(1e-3, low=0, doc="weight of the mean square of codes, which keeps them small")
    code_noise: float = param(0.05, low=0, doc="deviation of the noise on codes while they are learned")
    flip: bool = param(True, doc="whether half of the training pictures are mirrored")


class PictureCodes:
    """The models `encoder` and `decoder`, which turn pictures into codes and back. Noise on codes makes pictures of
    near codes alike. Once learned, codes are scaled to mean 0 and deviation 1, as their numbers in training say."""

    def __init__(self, where: str, run: Run, params: Any) -> None:
        self.params: CodeParams = params
        shape = self.params.code
        if len(shape) != 3:
            raise VisionError(
                f"[{where}] strategy.code = {list(shape)}; expected height, width and numbers, such as [8, 8, 4]"
            )
        given = run.dataset.inputs()
        self.encoder = run.model("encoder", inputs=Inputs("regression", given.shape, math.prod(shape)))
        made = getattr(self.encoder, "map", shape)
        if made != shape:
            raise VisionError(
                f"[{where}] strategy.code = {list(shape)}, and an encoder that makes {list(made)}; expected the same; "
                "change the code, or give the encoder other channels"
            )
        self.decoder = run.model("decoder", inputs=Inputs("regression", shape, features(given)))
        self.center = run.slot(f"{where}.center", pt.zeros(shape[-1:]))
        self.spread = run.slot(f"{where}.spread", pt.ones(shape[-1:]))
        self.bound = run.slot(f"{where}.bound", pt.zeros(()))  # of scaled codes in training; 0 before they are measured
        self.opt = run.optim("encoder", "decoder")

    def seen(self, t: Step, x: Any) -> Any:
        """Pictures in training."""
        return moved(t, x, flip=True, shift=0.0) if self.params.flip else x

    def plain(self, x: Any) -> Any:
        return pt.reshape(self.encoder(2 * x - 1), (x.shape[0], *self.params.code))

    def pixels(self, codes: Any) -> Any:
        return 0.5 + 0.5 * self.decoder(codes)

    def scaled(self, x: Any) -> Any:
        """The codes of pictures."""
        return pt.stop_gradient((self.plain(x) - self.center.value) / self.spread.value)

    def shown(self, t: Step, batch: Batch) -> Any:
        """The pictures of scaled codes, as rows."""
        return self.pixels(batch.x * self.spread.value + self.center.value)

    def step(self, t: Step, x: Any, weight: Any) -> None:
        """Minimizes the squared error of what comes back of pictures."""
        codes = self.plain(x)
        noisy = codes + self.params.code_noise * t.rng.normal(size=tuple(codes.shape))
        losses = pt.mean(pt.square(self.pixels(noisy) - as_rows(x)), axis=1)
        size = pt.mean(pt.square(as_rows(codes)), axis=1)
        t.minimize(self.opt, losses + self.params.code_penalty * size, weight)
        t.log("code", pt.sum(losses * weight), pt.sum(weight))

    @property
    def measured(self) -> bool:
        return bool(self.bound.value.item())

    def demand_measured(self, where: str) -> None:
        """Refuse to draw where nothing was learned but codes."""
        if not self.measured:
            raise VisionError(
                f"[{where}] a run that ended while codes were learned, for {self.params.code_steps:,} steps; expected "
                "one that learned to draw after them; train longer, or lower strategy.code_steps"
            )

    def measure(self, run: Run) -> None:
        """Take mean and deviation of the codes of training pictures, by which codes are scaled from here on."""
        codes = run.compute(lambda t, batch: self.plain(batch.x), x=pairs_of(run.dataset, "train")[0])
        center, spread = codes.mean(axis=(0, 1, 2)), np.maximum(codes.std(axis=(0, 1, 2)), 1e-6)
        self.center.value, self.spread.value = center, spread
        self.bound.value = np.abs((codes - center) / spread).max()
