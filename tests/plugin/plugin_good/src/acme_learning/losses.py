"""Focal loss (Lin et al. 2017): examples that are already right count less."""

from __future__ import annotations

from typing import Annotated, Any

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.plugin import Range


def focal(output: Any, target: Any, *, gamma: Annotated[float, Range(low=0, high=10)] = 2.0) -> Any:
    """(1 - p)^gamma times the cross-entropy, for each example."""
    loss = F.cross_entropy(output, target, reduction="none")
    return pt.pow(1.0 - pt.exp(-loss) + 1e-6, gamma) * loss
