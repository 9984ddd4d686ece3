"""An average of a model's weights over the last steps, which draws better samples than the last weights do."""

from __future__ import annotations

from typing import Any

import powertrain as pt
from powertrain.plugin import Inputs, Run, SlowCopy


class WeightAverage:
    """`of` is the recipe's model, `model` one whose weights follow it. `where` names the slot that counts the steps."""

    def __init__(self, where: str, run: Run, inputs: Inputs) -> None:
        self.copy = SlowCopy(run, "average", inputs=inputs)
        self.of: Any = run.model(inputs=inputs)
        self.model: Any = self.copy.module
        self.done = run.slot(f"{where}.steps", pt.zeros(()))

    def follow(self, most: float) -> None:
        """Traced, after an update: keep at most this share of the average, and take the rest from the new weights."""
        # A young average would remember the weights that nobody has trained.
        keep: Any = pt.minimum((1 + self.done.value) / (10 + self.done.value), most)
        self.copy.follow(keep)
        self.done.value = self.done.value + 1
