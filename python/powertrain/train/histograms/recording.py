"""When a run looks at its layers, and where it records what it saw: in the ledger, as all that happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import powertrain as pt
from powertrain.plugin.histogram import Histogram
from powertrain.train.histograms.bins import EVENT, counted, histogram
from powertrain.train.histograms.samples import Samples
from powertrain.train.preflight import demand_own_steps

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun

# Looks until their distance doubles for the first time, and half of those until it doubles again: what is kept grows
# as the logarithm of the steps. The step alone decides, so a resumed run looks at the same ones.
DENSE = 64


def is_due(step: int, every: int) -> bool:
    """Whether a step is looked at.

    >>> [step for step in range(1, 680) if is_due(step, 10)][61:]
    [620, 630, 640, 660]
    """
    look, between = divmod(step, every)
    doublings = (look // DENSE).bit_length()
    return between == 0 and look > 0 and look % (1 << doublings) == 0


class Histograms:
    """The Observer that a run has for `run.histograms`."""

    def __init__(self, run: TrainRun) -> None:
        self.run, self.settings = run, run.recipe.run.histograms
        self._seen: dict[int, dict[str, Any]] = {}  # since the last commit, by step
        self.told: dict[int, dict[str, Histogram]] = {}  # at the last commit

    def prepare(self) -> None:
        if self.settings is not None:
            demand_own_steps(self.run, "run.histograms")

    @property
    def looks(self) -> bool:
        return self.settings is not None

    def looks_into(self, step: int) -> bool:
        return self.settings is not None and is_due(step, self.settings.every)

    def look(self) -> Samples:
        assert self.settings is not None
        return Samples(self.run.table.modules, self.settings)

    def looked(self, step: int, look: Samples, found: pt.Tensor) -> None:
        self._seen[step] = {name: counted(numbers) for name, numbers in look.named(found).items()}

    def after_round(self) -> None:
        """Record what was seen; at a commit, since a round that is done again sees the same once more."""
        for step, found in self._seen.items():
            self.run.record(EVENT, at=step, found=found)
        self.told = {
            step: {name: histogram(kept) for name, kept in found.items()} for step, found in self._seen.items()
        }
        self._seen = {}
