"""What strategies share that learn from few labelled examples and many without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powertrain._core import Error
from powertrain.errors.boundary import export
from powertrain.plugin.learning import Strategy

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.plugin.protocols import Inputs
    from powertrain.plugin.run import Run

MOST_NAMED = 5  # classes in one message


class LabelError(Error, ValueError):
    """Labels that nothing can be learned from: `[data] what was received; what was expected; how to fix it`."""


class SemiSupervised(Strategy, declares=True):
    """A strategy whose first round refuses data in which a class has no labelled example.

    Example
        >>> class Guessing(pt.plugin.SemiSupervised):
        ...     def setup(self, run):
        ...         super().setup(run)
        ...         self.data = run.data("train").beside(free=run.data("unlabelled", times=7))
    """

    def round(self, run: Run) -> None:
        if run.progress.rounds == 0:  # not in setup: a run that is opened to be asked has no examples
            _demand_labels(run)
        super().round(run)


class SlowCopy:
    """A copy of a model whose slots are averages of the model's over its last steps; a model of the run by its role.

    It begins with the weights that the model has. What is counted rather than measured is taken as it is.

    Example
        >>> class Averaged(pt.plugin.Strategy):
        ...     def setup(self, run):
        ...         super().setup(run)
        ...         self.average = pt.plugin.SlowCopy(run, "average")
        ...     def step(self, t, batch):
        ...         t.minimize(self.opt, self.loss(self.model(batch.x), batch.y), batch.weight)
        ...         self.average.follow(0.99)
        ...     def predict(self, t, batch):
        ...         return self.average(batch.x)
    """

    def __init__(self, run: Run, role: str = "teacher", of: str = "model", inputs: Inputs | None = None) -> None:
        model = run.model(of, inputs=inputs)
        self.module = run.model(role, frozen=True, inputs=inputs)
        pairs = zip(self.module.named_slots(), model.named_slots(), strict=True)
        self._pairs = [(old, new) for (_, old), (_, new) in pairs]
        for old, new in self._pairs:
            old.value = new.value

    def __call__(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.module(x)
        return outputs

    def follow(self, keep: float) -> None:
        """One step of the average, after the model's own: `keep` is the share of it that stays."""
        for old, new in self._pairs:
            old.value = old.value * keep + new.value * (1 - keep) if "float" in str(old.dtype) else new.value


def _demand_labels(run: Run) -> None:
    """Refuse classes of which the training part has no example: nothing could ever be labelled as one of them."""
    targets = run.data("train").rows(weights=True)["y"].astype(np.int64)
    counts = np.bincount(targets, minlength=run.dataset.outputs)
    missing = [str(label) for label in np.flatnonzero(counts == 0)[:MOST_NAMED]]
    if missing:
        raise LabelError(
            f"[data] no labelled example of class {', '.join(missing)}; expected one or more of each class; label "
            "some, or set data.split.labelled, which takes the same number of each"
        )


__all__ = ["SemiSupervised", "SlowCopy"]

export(globals())
