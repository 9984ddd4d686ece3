"""What several strategies share: changed views of a batch, which know nothing of what the numbers mean."""

from __future__ import annotations

from typing import Any

import powertrain as pt
from powertrain.plugin import Run, Step, as_floats


class StrategyError(pt.Error, ValueError):
    """Data that a strategy cannot learn from: `[where] what was received; what was expected; how to fix it`."""


def demand_classes(name: str, run: Run) -> None:
    if run.dataset.task != "classification":
        raise StrategyError(
            f"[{name}] a {run.dataset.task} task; expected classification, whose predictions are probabilities; choose "
            "another strategy or other data"
        )


def changed(t: Step, x: Any, noise: float, drop: float) -> Any:
    """x with normal noise of that deviation, and a share of its numbers set to zero."""
    x = as_floats(x)
    if noise > 0:
        x = x + noise * t.rng.normal(size=tuple(x.shape))
    if drop > 0:
        x = x * pt.astype(t.rng.uniform(size=tuple(x.shape)) >= drop, x.dtype)
    return x


def rows(values: Any) -> Any:
    """Losses of an example as one: the mean over whatever axes come after the first."""
    return values if len(values.shape) == 1 else pt.mean(pt.reshape(values, (values.shape[0], -1)), axis=1)
