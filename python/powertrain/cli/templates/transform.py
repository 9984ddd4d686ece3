"""A transform: fitted on the training part alone, applied to batches everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from powertrain.plugin import NoParams, Transform


class Centre(Transform):
    """Subtracts the mean of each feature."""

    def __init__(self, mean: Any) -> None:
        self.mean = mean

    @classmethod
    def build(cls, params: NoParams, x: Any) -> Centre:
        return cls(x.mean(axis=0, dtype=np.float64).astype(np.float32))

    def __call__(self, x: Any) -> Any:
        return np.subtract(x, self.mean, dtype=np.float32)

    def state(self) -> dict[str, Any]:
        return {"mean": self.mean}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.mean = state["mean"]
