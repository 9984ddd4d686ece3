"""How far a run has to go, in steps: until the target, an evaluation or the end of an epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powertrain.recipe.durations import Duration
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.position import Position
from powertrain.train.run.progress import Progress

if TYPE_CHECKING:
    from powertrain.recipe.sections import RunSection
    from powertrain.train.run.sources import TrainSource

# A run without epochs is evaluated this often when the recipe does not say.
DEFAULT_EVALUATIONS = 20
# Epochs of fewer steps end a round only where something counts them: to end one takes as long as some small steps.
SHORT_EPOCH = 16


class Horizon:
    """Turns the durations of a recipe into steps of one source."""

    def __init__(self, settings: RunSection, source: TrainSource | None) -> None:
        self.until = settings.until
        self.source = source
        self.has_epochs = source is not None and source.has_epochs
        counts_updates = source is not None or settings.until.unit == "steps"
        self.position = None if counts_updates else Position(settings.until)
        if settings.until.unit == "epochs" and not self.has_epochs:
            raise RunError(
                f"[run.until] received {settings.until}; the data is drawn at random, or a stream, and has no epochs; "
                'expected steps or tokens; write until = "2_000 steps", or steps=2_000 in pt.fit'
            )
        every = settings.evaluate.every if settings.evaluate else None
        if every is None and self.has_epochs and self.until.unit == "epochs":
            every = Duration(1, "epochs")
        if source is None:  # an environment: the unit of the target is what counts
            self.every = every or Duration(max(1, self.until.amount // DEFAULT_EVALUATIONS), self.until.unit)
        else:
            self.every = every or Duration(max(1, self.total_steps // DEFAULT_EVALUATIONS), "steps")
        kept = settings.keep.every if settings.keep else None
        counted = any(one is not None and one.unit == "epochs" for one in (self.until, self.every, kept))
        ends = source is not None and source.has_epochs and (counted or len(source) >= SHORT_EPOCH)
        self._rounds_of = source if ends else None  # whose epochs end rounds

    @property
    def length(self) -> int | Position:
        """What a schedule is stretched over: the steps of the whole run, or the way to a target of another unit."""
        return self.total_steps if self.position is None else self.position

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        if self.source is None:
            return self.until.amount
        if self.until.unit == "epochs":
            return self.until.amount * len(self.source)
        return self._in_steps(self.until.amount, self.until.unit)

    def _in_steps(self, amount: int, unit: str) -> int:
        source = self.source
        size = (
            {"examples": source.batch_size, "tokens": source.tokens_per_batch}.get(unit, 1) if source is not None else 1
        )
        return -(-amount // size)

    def _steps_to(self, target: Duration, progress: Progress) -> int:
        left = progress.left(target)
        if target.unit == "epochs" and self.source is not None:
            return self.source.left_in_epoch() + (left - 1) * len(self.source)
        return self._in_steps(left, target.unit)

    def quota(self, progress: Progress, most: int) -> int:
        """Steps until something is due, at most `most`."""
        limits = [most, self._steps_to(self.until, progress)]
        if self._rounds_of is not None:
            limits.append(self._rounds_of.left_in_epoch())
        mark = Duration((self.mark(progress) + 1) * self.every.amount, self.every.unit)
        limits.append(self._steps_to(mark, progress))
        return max(1, min(limits))

    def mark(self, progress: Progress) -> int:
        """How many evaluations were due so far."""
        return int(getattr(progress, self.every.unit)) // self.every.amount
