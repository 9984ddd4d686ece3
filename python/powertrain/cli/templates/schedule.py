"""A schedule: the factor on the rate at each update."""

from __future__ import annotations

from typing import Annotated, Any

import powertrain as pt
from powertrain.plugin import Range


def falling(step: Any, total: int, *, power: Annotated[float, Range(above=0)] = 2.0) -> Any:
    """From 1 to 0 by a power of the way that is left."""
    left = pt.maximum(1.0 - pt.astype(step, "float64") / max(1, total), 0.0)
    return pt.pow(left, power)
