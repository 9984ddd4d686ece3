"""The momentum of an optimizer: a setting, or what a schedule such as OneCycleLR makes of it at each update."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import powertrain as pt
from powertrain.optim.settings import OptimizerError
from powertrain.plugin.schedule import Schedule

if TYPE_CHECKING:
    from powertrain.typing import Numbers


def is_moved_by(schedule: object) -> bool:
    """Whether a schedule sets the momentum of each update."""
    return isinstance(schedule, Schedule) and schedule.moves_momentum


def has_momentum(momentum: float, schedule: object) -> bool:
    """Whether an optimizer of this setting keeps a moment for it: a schedule may raise it from 0."""
    return momentum > 0 or is_moved_by(schedule)


class Momentum:
    """What the frame of optimizers has for it. One that takes it from here names the setting in CYCLED."""

    CYCLED: ClassVar[str]
    name: str
    schedule: Schedule | None
    updates: pt.Slot

    def check_momentum(self) -> None:
        """Refuse a schedule that sets the momentum of an optimizer that has none."""
        if is_moved_by(self.schedule) and not self.CYCLED:
            schedule = type(self.schedule).__name__
            raise OptimizerError(
                f"[{self.name}] {schedule} sets the momentum of each update, and {type(self).__name__} has none that "
                f"changes; expected SGD, AdamW or another optimizer with momentum or betas; write {schedule}(..., "
                "cycle_momentum=False)"
            )

    def momentum_setting(self) -> float:
        """The momentum, or the first of betas, that the constructor was given."""
        found = getattr(self, self.CYCLED)
        return float(found[0] if isinstance(found, (tuple, list)) else found)

    def momentum_at(self, step: pt.Tensor) -> pt.Tensor | float:
        """The momentum of an update, from the count of updates with this one: in float64 where a schedule sets it."""
        if self.schedule is None or not is_moved_by(self.schedule):
            return self.momentum_setting()
        return self.schedule.momentum(pt.astype(step, "float64") - 1.0, self.momentum_setting())

    def moved_momentum(self, step: pt.Tensor, dtype: str) -> Numbers:
        """The momentum among the scalars of an update, where a schedule sets it."""
        return {"momentum": pt.astype(self.momentum_at(step), dtype)} if is_moved_by(self.schedule) else {}

    def momentum_of(self, scalars: Numbers) -> pt.Tensor | float:
        """The momentum of an update, from its scalars."""
        return scalars.get("momentum", self.momentum_setting())

    @property
    def scheduled_momentum(self) -> pt.Tensor:
        """The momentum of the next update, or the first of its betas: what the schedule makes of the setting."""
        if not self.CYCLED:
            raise OptimizerError(
                f"[{self.name}] scheduled_momentum of {type(self).__name__}; expected an optimizer with momentum or "
                "betas; leave it out"
            )
        return pt.astype(self.momentum_at(self.updates.value + 1), "float64")
