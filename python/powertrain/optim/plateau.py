"""A rate that falls when a figure does not get better."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, NoReturn

import powertrain as pt
from powertrain.optim.optimizer import Optimizer
from powertrain.optim.settings import OptimizerError
from powertrain.optim.state import Stateful


class ReduceLROnPlateau(Stateful):
    """Multiply the rate by `factor` when a figure has not become better for more than `patience` updates.

    For `cooldown` updates afterwards none of them counts as bad. The rate is at least `min_lr`, and a change of at
    most `eps` is left out.

    Better is below best (1 - threshold), or above best (1 + threshold) with mode "max"; with threshold_mode "abs" the
    threshold is added or taken off. The rate is `optimizer.lr`, which compiled steps read.

    Example
        >>> import powertrain as pt
        >>> opt = pt.optim.SGD(pt.nn.Linear(1, 1), lr=1.0)
        >>> plateau = pt.optim.ReduceLROnPlateau(opt, factor=0.5, patience=0)
        >>> for loss in (1.0, 1.0):
        ...     plateau.update(loss)
        >>> opt.lr.item()
        0.5
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
        *,
        name: str = "plateau",
    ) -> None:
        if not 0 <= factor < 1 or mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise OptimizerError(
                f"[{name}] factor = {factor:g}, mode = {mode!r}, threshold_mode = {threshold_mode!r}; expected 0 <= "
                "factor < 1, 'min' or 'max', 'rel' or 'abs'; 0.1 is a usual factor"
            )
        self.optimizer, self.factor, self.patience, self.threshold = optimizer, factor, patience, threshold
        self.sign, self.relative = 1.0 if mode == "min" else -1.0, threshold_mode == "rel"
        self.cooldown, self.min_lr, self.eps = cooldown, min_lr, eps
        self.best = pt.Slot(pt.tensor(self.sign * math.inf, dtype="float64"), name=f"{name}.best")
        self.bad = pt.Slot(pt.tensor(0, dtype="int64"), name=f"{name}.bad")
        self.resting = pt.Slot(pt.tensor(0, dtype="int64"), name=f"{name}.resting")

    def named_slots(self) -> Iterator[tuple[str, pt.Slot]]:
        """Every slot by name."""
        return ((slot.name, slot) for slot in (self.best, self.bad, self.resting))

    def _better(self, value: float, best: float) -> bool:
        if self.relative:
            return self.sign * value < self.sign * best * (1 - self.sign * self.threshold)
        return self.sign * value < self.sign * best - self.threshold

    def step(self, *args: object, **kwargs: object) -> NoReturn:
        raise OptimizerError("[ReduceLROnPlateau] step(); expected update(value); write plateau.update(loss)")

    def update(self, value: float) -> None:
        """One more figure, for example the loss of an evaluation."""
        value, best = float(value), float(self.best.value.item())
        bad, resting = int(self.bad.value.item()), int(self.resting.value.item())
        if self._better(value, best):
            best, bad = value, 0
        else:
            bad += 1
        if resting > 0:
            resting, bad = resting - 1, 0
        if bad > self.patience:
            rate = float(self.optimizer.lr.item())
            lower = max(rate * self.factor, self.min_lr)
            if rate - lower > self.eps:
                self.optimizer.lr = pt.tensor(lower, dtype="float64")
            resting, bad = self.cooldown, 0
        for slot, now in ((self.best, best), (self.bad, bad), (self.resting, resting)):
            slot.value = pt.tensor(now, dtype=slot.dtype)
