"""How far a run in an environment has come: what a schedule goes by where updates cannot be counted ahead."""

from __future__ import annotations

import powertrain as pt
from powertrain.plugin.schedule import Schedule
from powertrain.recipe.durations import Duration
from powertrain.train.run.progress import Progress


class Position:
    """The part of the target that is done, in its own unit: a slot that compiled steps read.

    How many updates a strategy makes of so many steps in an environment, only the strategy knows: one for each, or
    twenty passes over them, or none before a replay buffer has filled. The steps themselves are what the target counts.
    It follows from the progress, so that no checkpoint needs to hold it.
    """

    def __init__(self, until: Duration) -> None:
        self.until = until
        self.slot = pt.Slot(pt.tensor(0.0, dtype="float64"), name="position")
        self._done = 0

    def follow(self, progress: Progress) -> None:
        """Take up what is done now. A last round may pass the target, and the schedule has ended there."""
        done = min(int(getattr(progress, self.until.unit)), self.until.amount)
        if done != self._done:
            self._done, self.slot.value = done, pt.tensor(float(done), dtype="float64")


class OverTarget(Schedule):
    """A schedule that is stretched over the target of a run: its step is the position, not the count of updates."""

    def __init__(self, schedule: Schedule, position: Position) -> None:
        self._schedule, self._position = schedule.over(position.until.amount), position

    def rate(self, step: pt.Tensor, lr: pt.Tensor) -> pt.Tensor:
        return self._schedule.rate(self._position.slot.value, lr)

    @property
    def moves_momentum(self) -> bool:
        return self._schedule.moves_momentum

    def momentum(self, step: pt.Tensor, setting: pt.Tensor | float) -> pt.Tensor | float:
        return self._schedule.momentum(self._position.slot.value, setting)
