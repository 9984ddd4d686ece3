"""Metrics of the order in which a classifier's scores put examples. The state holds all of them, since an order is not
a sum; in `result` they are sorted by score, class and weight, so that the bits do not depend on the batches."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from powertrain.errors.methods import missing
from powertrain.metrics.classes import log_probabilities, scored
from powertrain.metrics.metric import Rows
from powertrain.plugin.metric import State
from powertrain.plugin.params import param

if TYPE_CHECKING:
    from powertrain.typing import Outputs, TensorLike

Floats = NDArray[np.float64]


class _Ranked(Rows):
    """State: a row [class, weight, scores...] for each example."""

    tasks = ("classification",)
    _where = "ranking"

    @dataclass(frozen=True)
    class Params:
        average: str = param("macro", choices=("macro", "weighted"), doc="how classes become one")
        from_logits: bool = param(True, doc="false: scores are probabilities")

    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        scores, wanted, w = scored(prediction, target, weight, self._where)
        if scores.shape[1] == 2:
            # The difference orders as the probability of class 1 does, and does not saturate.
            scores = scores[:, 1:] - scores[:, :1]
        elif scores.shape[1] > 2 and self.params.from_logits:
            scores = log_probabilities(scores, True, self._where)
        return np.column_stack([wanted.astype(np.float64), w, scores])

    def result(self, state: State) -> float:
        if len(state) == 0:
            return math.nan
        wanted, w, scores = state[:, 0], state[:, 1], state[:, 2:]
        if scores.shape[1] == 1:
            positive = getattr(self.params, "pos_label", 1)
            return self.of_two(scores[:, 0] if positive else -scores[:, 0], wanted == positive, w)
        values = np.array([self.of_two(scores[:, at], wanted == at, w) for at in range(scores.shape[1])])
        support = np.array([math.fsum(w[wanted == at]) for at in range(scores.shape[1])])
        share = support if self.params.average == "weighted" else np.ones_like(support)
        known = ~np.isnan(values) & (share > 0)
        return float(np.sum(values[known] * share[known]) / share[known].sum()) if known.any() else math.nan

    @abstractmethod
    def of_two(self, score: Floats, positive: NDArray[np.bool_], weight: Floats) -> float:
        """The measure of one class against the others."""
        raise missing(self, "of_two")


def _by_score(score: Floats, positive: NDArray[np.bool_], weight: Floats) -> tuple[Floats, Floats]:
    """Weights of positive and negative examples for each value of the score, the largest first."""
    order = np.lexsort((weight, positive, -score))
    score, positive, weight = score[order], positive[order], weight[order]
    starts = np.flatnonzero(np.concatenate([[True], score[1:] != score[:-1]]))
    sums = (np.add.reduceat(np.where(chosen, weight, 0.0), starts) for chosen in (positive, ~positive))
    return next(sums), next(sums)


class AUC(_Ranked):
    """The area under the ROC curve: how often a positive example has a larger score than a negative one, ties half.

    Of more than two classes each against all others, and their mean ("macro"), or weighted by how often they occur
    ("weighted"); a class that does not occur is left out. NaN where only one class occurs.

    from_logits   scores are logits; False: probabilities. It matters for more than two classes alone
    Source    Fawcett 2006; sklearn.metrics.roc_auc_score(multi_class="ovr")

    >>> auc = AUC()
    >>> auc.update(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    >>> auc.compute()
    0.75
    """

    _where = "auc"

    def of_two(self, score: Floats, positive: NDArray[np.bool_], weight: Floats) -> float:
        right, wrong = _by_score(score, positive, weight)
        total = right.sum() * wrong.sum()
        above = np.cumsum(right) - 0.5 * right
        return float(np.sum(wrong * above) / total) if total > 0 else math.nan


class AveragePrecision(_Ranked):
    """The sum of precisions at each score, weighted by the recall that is gained there. Classes as for AUC.

    pos_label 0 takes class 0 of two for the positive one
    Source    sklearn.metrics.average_precision_score
    Example
        >>> metric = pt.metrics.AveragePrecision()
        >>> metric.update(np.array([0.9, 0.2, 0.6]), np.array([1, 0, 0]))
        >>> round(metric.compute(), 4)
        1.0
    """

    _where = "average precision"

    @dataclass(frozen=True)
    class Params(_Ranked.Params):
        pos_label: int = param(1, choices=(0, 1), doc="the positive class of two")

    def of_two(self, score: Floats, positive: NDArray[np.bool_], weight: Floats) -> float:
        right, wrong = _by_score(score, positive, weight)
        total = right.sum()
        precision = np.cumsum(right) / np.cumsum(right + wrong)
        return float(np.sum(precision * right) / total) if total > 0 else math.nan
