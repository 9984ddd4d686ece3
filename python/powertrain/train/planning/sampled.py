"""An evaluation of many examples, measured on some of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from powertrain.train.evaluate.evaluation import Evaluation, Evaluator, never
from powertrain.train.planning.compiled import arena_bytes
from powertrain.train.report.energy import Meter, Usage

MOST_SECONDS = 10.0  # of the evaluation of one part; of longer ones a share is done
PROBED = 4  # batches that say how long a part takes
WORTH = 4  # times as many batches, before a part is worth probing


class Sampled:
    """Evaluates as `evaluator` does, a part that would take long by a share of its examples. `left_out` is what the
    rest would have taken, `more_bytes` what its outputs would have held, of the largest part."""

    def __init__(self, evaluator: Any) -> None:
        self._evaluator = evaluator
        self.metrics = evaluator.metrics
        self.left_out = Usage()
        self.more_bytes = 0
        self._each: Usage | None = None  # of one example

    def __call__(
        self, part: str, keep: bool = False, most: int | None = None, stopped: Callable[[], bool] = never
    ) -> Evaluation:
        if not isinstance(self._evaluator, Evaluator):  # whole episodes
            found: Evaluation = self._evaluator(part, keep, most, stopped)
            return found
        count = len(self._evaluator.dataset.splits[part])
        wanted = count if most is None else min(count, most)
        done = min(wanted, self._affordable(part, wanted))
        meter = Meter()
        made = self._evaluator(part, keep, done, stopped)
        rest = wanted / done - 1 if done else 0.0
        self.left_out = self.left_out + meter.usage() * rest
        kept = sum(one.nbytes for one in (made.losses, made.outputs, made.truth, made.weight) if one is not None)
        self.more_bytes = max(self.more_bytes, int(kept * rest))
        return made

    @property
    def arena_bytes(self) -> int:
        """The memory of intermediate values of an evaluation; 0 of one that the engine does not compute."""
        measure = self._evaluator.measure if isinstance(self._evaluator, Evaluator) else None
        return arena_bytes(measure) if hasattr(measure, "programs") else 0

    def _affordable(self, part: str, wanted: int) -> int:
        probed = PROBED * self._evaluator.batch
        if wanted <= WORTH * probed:
            return wanted
        if self._each is None:
            self._evaluator(part, most=self._evaluator.batch)  # traces, as the first evaluation of a run does
            meter = Meter()
            self._evaluator(part, most=probed)
            took = meter.usage()
            self._each = took * (1 / probed)
            self.left_out = self.left_out - took
        return max(probed, int(MOST_SECONDS / max(self._each.seconds, 1e-9)))
