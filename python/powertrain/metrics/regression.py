"""Metrics of regressions: values against values of the same shape, all outputs together."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from powertrain.metrics.metric import Additive, Array, MetricError, State, per_row
from powertrain.plugins.bases import Metric

Values = NDArray[np.float64]


def _pairs(prediction: Array, target: Array, weight: Array | None, where: str) -> tuple[Values, Values, Values]:
    """Flat predictions, targets and weights; rows of weight 0 left out."""
    found, wanted = np.asarray(prediction, dtype=np.float64), np.asarray(target, dtype=np.float64)
    if found.ndim == wanted.ndim + 1 and found.shape[-1] == 1:
        found = found[..., 0]
    elif wanted.ndim == found.ndim + 1 and wanted.shape[-1] == 1:
        wanted = wanted[..., 0]
    if found.shape != wanted.shape:
        raise MetricError(
            f"[{where}] predictions {list(found.shape)}, targets {list(wanted.shape)}; expected one shape; "
            "check the number of outputs of the model"
        )
    w = per_row(weight, wanted.shape, where)
    real = w > 0
    return found.ravel()[real], wanted.ravel()[real], w[real]


class _MeanOf(Additive):
    tasks = ("regression",)

    def result(self, state: State) -> float:
        return float(state[0] / state[1]) if state[1] > 0 else math.nan


class MeanSquaredError(_MeanOf):
    """The mean of (prediction - target)^2."""

    def update(self, state: State, prediction: Array, target: Array, weight: Array | None = None) -> State:
        found, wanted, w = _pairs(prediction, target, weight, "mse")
        return self.added(state, np.sum(w * np.square(found - wanted)), np.sum(w))


class MeanAbsoluteError(_MeanOf):
    """The mean of |prediction - target|."""

    def update(self, state: State, prediction: Array, target: Array, weight: Array | None = None) -> State:
        found, wanted, w = _pairs(prediction, target, weight, "mae")
        return self.added(state, np.sum(w * np.abs(found - wanted)), np.sum(w))


class RSquared(Metric):
    """1 - (squared error) / (squared deviation of the targets from their mean); NaN when the targets never vary.

    State: [weight, mean of targets, squared deviation, squared error]. Deviations merge as in Chan, Golub and LeVeque
    (1979); sums of squares would lose all digits when the mean is large beside the deviation.
    """

    tasks = ("regression",)

    def zero(self) -> State:
        return np.zeros(4)

    def update(self, state: State, prediction: Array, target: Array, weight: Array | None = None) -> State:
        found, wanted, w = _pairs(prediction, target, weight, "r2")
        total = float(np.sum(w))
        if total == 0:
            return state
        mean = float(np.sum(w * wanted)) / total
        batch = [total, mean, np.sum(w * np.square(wanted - mean)), np.sum(w * np.square(found - wanted))]
        return self.merge(state, np.array(batch, dtype=np.float64))

    def merge(self, a: State, b: State) -> State:
        total = a[0] + b[0]
        if total == 0:
            return a.copy()
        apart = b[1] - a[1]
        deviation = a[2] + b[2] + apart * apart * a[0] * b[0] / total
        return np.array([total, a[1] + apart * b[0] / total, deviation, a[3] + b[3]])

    def result(self, state: State) -> float:
        return 1 - float(state[3] / state[2]) if state[2] > 0 else math.nan
