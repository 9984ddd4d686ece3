"""The schedule of recipes that is no function of the step; the others are those of `powertrain.optim.schedules`."""

from __future__ import annotations

from typing import Any


def constant(step: Any, total: int) -> float:
    """The rate as it is: for a warm-up alone."""
    return 1.0
