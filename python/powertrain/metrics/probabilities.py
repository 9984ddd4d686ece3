"""Metrics of how well a classifier knows how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from powertrain.metrics.classes import log_probabilities, scored
from powertrain.plugin.metric import Metric, State
from powertrain.plugin.params import param

if TYPE_CHECKING:
    from powertrain.typing import Outputs, TensorLike


class _OfProbabilities(Metric):
    lower_is_better = True
    tasks = ("classification", "language")

    @dataclass(frozen=True)
    class Params:
        from_logits: bool = param(True, doc="false: predictions are probabilities")


class LogLoss(_OfProbabilities):
    """The mean of -log p of the true class, p by softmax of the logits.

    from_logits   False: predictions are probabilities, of which 0 counts as the smallest difference from 1 that their
                  dtype holds
    Source    sklearn.metrics.log_loss
    Example
        >>> metric = pt.metrics.LogLoss()
        >>> metric.update(np.array([0.9, 0.2, 0.6]), np.array([1, 0, 0]))
        >>> round(metric.compute(), 4)
        0.7256
    """

    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        scores, wanted, w = scored(prediction, target, weight, "log loss")
        logs = log_probabilities(scores, self.params.from_logits, "log loss")
        own = np.take_along_axis(logs, wanted[:, None], axis=1)[:, 0]
        if not self.params.from_logits:
            dtype = np.asarray(prediction).dtype
            least = np.finfo(dtype if dtype.kind == "f" else np.float64).eps
            own = np.clip(own, np.log(least), np.log1p(-least))
        return np.array([np.sum(w * -own), np.sum(w)])


class BrierScore(_OfProbabilities):
    """The mean squared distance of the probabilities from the truth: of two classes (p - y)^2 of class 1; of more the
    sum over the classes.

    from_logits   False: predictions are probabilities
    Source    Brier 1950; sklearn.metrics.brier_score_loss
    Example
        >>> metric = pt.metrics.BrierScore()
        >>> metric.update(np.array([0.9, 0.2, 0.6]), np.array([1, 0, 0]))
        >>> round(metric.compute(), 4)
        0.2676
    """

    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        scores, wanted, w = scored(prediction, target, weight, "brier")
        p = np.exp(log_probabilities(scores, self.params.from_logits, "brier"))
        truth = np.arange(p.shape[1]) == wanted[:, None]
        apart = np.square(p - truth)
        errors = apart[:, 1] if p.shape[1] == 2 else apart.sum(axis=1)
        return np.array([np.sum(w * errors), np.sum(w)])
