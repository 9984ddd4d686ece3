"""A loss: one value per example."""

from __future__ import annotations

from typing import Annotated, Any

import powertrain.nn.functional as F
from powertrain.plugin import Range


def loss(output: Any, target: Any, *, gamma: Annotated[float, Range(low=0, high=10)] = 2.0) -> Any:
    """Focal loss (Lin et al. 2017): examples that are already right count less."""
    each = F.cross_entropy(output, target, reduction="none")
    return (1.0 - (-each).exp() + 1e-6) ** gamma * each
