"""Correlations of predictions and targets, from -1 to 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from powertrain.metrics.metric import Rows
from powertrain.metrics.regression import Moments, moments, pairs
from powertrain.plugin.metric import State

if TYPE_CHECKING:
    from powertrain.typing import Outputs, TensorLike

Values = NDArray[np.float64]


def _correlation(state: State) -> float:
    spread = math.sqrt(state[3]) * math.sqrt(state[4])
    return float(np.clip(state[5] / spread, -1, 1)) if spread > 0 else math.nan


class PearsonCorrCoef(Moments):
    """Pearson's correlation: how far predictions and targets lie on a line; NaN where one of them never varies.

    Example
        >>> metric = pt.metrics.PearsonCorrCoef()
        >>> metric.update(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
        >>> round(metric.compute(), 4)
        0.982
    """

    _where = "pearson"

    def result(self, state: State) -> float:
        return _correlation(state)


class SpearmanCorrCoef(Rows):
    """Spearman's correlation: Pearson's of the ranks, equal values with the mean of theirs.

    A whole weight counts as so many rows. State: a row [prediction, target, weight] for each value.

    Source    Spearman 1904; scipy.stats.spearmanr
    Example
        >>> metric = pt.metrics.SpearmanCorrCoef()
        >>> metric.update(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
        >>> round(metric.compute(), 4)
        1.0
    """

    tasks = ("regression",)

    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        return np.column_stack(pairs(prediction, target, weight, "spearman"))

    def result(self, state: State) -> float:
        if len(state) == 0 or np.isnan(state).any():
            return math.nan
        found, wanted, w = state[np.lexsort(state.T)].T
        return _correlation(moments(_ranks(found, w), _ranks(wanted, w), w))


def _ranks(values: Values, weight: Values) -> Values:
    """The weight below each value, and half of that of its equals."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sums = np.add.reduceat(weight[order], starts)
    middle = np.cumsum(sums) - sums / 2
    ranks = np.empty_like(values)
    ranks[order] = np.repeat(middle, np.diff(np.append(starts, len(values))))
    return ranks
