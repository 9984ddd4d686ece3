"""A metric: sums in a state that can be merged, divided at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from powertrain.plugin import Metric, param


class TopK(Metric):
    """The share of examples whose class is among the k highest scores."""

    @dataclass(frozen=True)
    class Params:
        k: int = param(2, low=1, doc="how many of the highest scores count")

    def measure(self, prediction: Any, target: Any, weight: Any = None) -> Any:
        """The state of one batch: right examples, and all."""
        scores, wanted = np.asarray(prediction), np.asarray(target)
        if scores.ndim != 2 or wanted.dtype.kind not in "iu":
            raise ValueError("[top-k] expected scores [examples, classes] and class numbers; use it on classes")
        count = np.ones(len(wanted)) if weight is None else np.asarray(weight, dtype=np.float64)
        highest = np.argsort(-scores, axis=1, kind="stable")[:, : self.params.k]
        right = (highest == wanted[:, None]).any(axis=1)
        return np.array([np.sum(count * right), np.sum(count)])

    def result(self, state: Any) -> float:
        return float(state[0] / state[1]) if state[1] > 0 else float("nan")
