"""A loss: one value per example."""

from __future__ import annotations

from typing import Annotated, Any

import powertrain as pt
from powertrain.plugins import Range


def loss(output: Any, target: Any, *, gamma: Annotated[float, Range(low=0, high=10)] = 2.0) -> Any:
    """Focal loss (Lin et al. 2017): examples that are already right count less."""
    each = pt.cross_entropy(output, target)
    return pt.power(1.0 - pt.exp(-each) + 1e-6, gamma) * each
