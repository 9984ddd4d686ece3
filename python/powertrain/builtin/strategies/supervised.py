"""Supervised learning: a model, a loss per example, an optimizer. What classifiers and regressors use by default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import powertrain as pt
from powertrain.plugin import Batch, Step, Strategy, param


class Supervised(Strategy):
    """Minimizes the mean loss over the training part."""

    shards: ClassVar[bool] = True

    @dataclass(frozen=True)
    class Params:
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    def step(self, t: Step, batch: Batch) -> None:
        losses = self.loss(self.model(batch.x), batch.y)
        if not losses.shape:
            self._minimize_whole(t, losses, batch)
            return
        t.minimize(self.opt, losses, batch.weight)
        per_example = losses if len(losses.shape) == 1 else pt.mean(pt.reshape(losses, (losses.shape[0], -1)), axis=1)
        t.log("loss", pt.sum(per_example * batch.weight), pt.sum(batch.weight))

    def _minimize_whole(self, t: Step, loss: Any, batch: Batch) -> None:
        """A loss that is one number for a whole batch: it cannot know which rows are padding."""
        if padded := self.data.padded:
            name, size = getattr(self.loss, "__name__", type(self.loss).__name__), batch.weight.shape[0]
            raise pt.ShapeError(
                f"[loss] {name} gave one number for a batch, and the last batch of an epoch has {size - padded} "
                f"examples and {padded} rows of padding, which would count too; expected one value per example, which "
                "the engine weights; leave the mean out of the loss, or choose a batch size that divides the number of "
                "examples"
            )
        t.minimize(self.opt, loss, couples=True)
        rows = batch.x.shape[0]  # weights of examples cannot be told to such a loss, and are not read
        t.log("loss", loss * rows, rows)
