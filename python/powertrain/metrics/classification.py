"""Metrics of classifiers that count right and wrong classes: of logits [..., classes], or class numbers, against class
numbers."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain.errors.methods import missing
from powertrain.metrics.classes import counted, log_probabilities, scored
from powertrain.metrics.metric import Mean, MetricError, ratio
from powertrain.plugin.metric import Metric, State
from powertrain.plugin.params import param

if TYPE_CHECKING:
    from powertrain.typing import Outputs, TensorLike

Floats = NDArray[np.float64]


class Accuracy(Metric):
    """The share of right classes; NaN of nothing. State: [right, all].

    Example
        >>> metric = pt.metrics.Accuracy()
        >>> metric.update(np.array([0, 1, 1, 1]), np.array([0, 1, 0, 1]))
        >>> round(metric.compute(), 4)
        0.75
    """

    tasks = ("classification", "language")
    of_classes = True

    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        found, wanted, w = counted(prediction, target, weight, "accuracy")
        return np.array([np.sum(w * (found == wanted)), np.sum(w)])


class TopKAccuracy(Metric):
    """The share of rows whose class is among the `k` with the largest scores; the first of equals count first.

    >>> top = TopKAccuracy(k=2)
    >>> top.update(np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]]), np.array([1, 2]))
    >>> top.compute()
    0.5
    """

    tasks = ("classification", "language")

    @dataclass(frozen=True)
    class Params:
        k: int = param(5, low=1, doc="how many of the largest scores count")

    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        scores, wanted, w = scored(prediction, target, weight, "top-k accuracy")
        if scores.shape[1] == 1:
            scores = np.concatenate([-scores, scores], axis=1)
        own = np.take_along_axis(scores, wanted[:, None], axis=1)
        before = np.arange(scores.shape[1]) < wanted[:, None]
        rank = np.sum((scores > own) | ((scores == own) & before), axis=1)
        return np.array([np.sum(w * (rank < self.params.k)), np.sum(w)])


class Perplexity(Mean):
    """exp of the mean loss in nats per token: `update(logits, tokens)`, or `update(losses)` of losses that are known.

    Example
        >>> metric = pt.metrics.Perplexity()
        >>> metric.update(np.zeros((2, 4)), np.array([1, 3]))
        >>> round(metric.compute(), 4)
        4.0
    """

    def measure(self, prediction: Outputs, target: Outputs | None = None, weight: TensorLike | None = None) -> State:
        if target is None:
            return super().measure(prediction, None, weight)
        scores, wanted, w = scored(prediction, target, weight, "perplexity")
        own = np.take_along_axis(log_probabilities(scores, True, "perplexity"), wanted[:, None], axis=1)[:, 0]
        return np.array([np.sum(w * -own), np.sum(w)])

    def result(self, state: State) -> float:
        mean = super().result(state)
        # Above e^709 a float64 overflows, and math.exp raises.
        return math.exp(mean) if mean < 709 else mean if math.isnan(mean) else math.inf


class ByClass(Metric):
    """State: of each class the weight of right rows, of rows that are of it, and of rows that were taken for it."""

    tasks = ("classification", "language")
    of_classes = True
    _where = "classes"

    def zero(self) -> State:
        return np.zeros((3, 0))

    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        found, wanted, w = counted(prediction, target, weight, self._where)
        classes = int(max(found.max(initial=-1), wanted.max(initial=-1))) + 1
        right = found == wanted
        rows = ((wanted[right], w[right]), (wanted, w), (found, w))
        return np.stack([np.bincount(at, weights=one, minlength=classes).astype(np.float64) for at, one in rows])

    def merged(self, a: State, b: State) -> State:
        out = np.zeros((3, max(a.shape[1], b.shape[1])))
        out[:, : a.shape[1]] += a
        out[:, : b.shape[1]] += b
        return out


@dataclass(frozen=True)
class Average:
    """How the scores of classes become one."""

    average: str = param("binary", choices=("binary", "macro", "micro", "weighted"), doc="how classes become one")
    pos_label: int = param(1, choices=(0, 1), doc='the class of two that "binary" is about')

    def __post_init__(self) -> None:
        if self.pos_label != 1 and self.average != "binary":
            raise ValueError(
                f"received pos_label = {self.pos_label} with average = {self.average!r}, which is about all classes; "
                "expected one of them; leave the other out"
            )


class _OfAverage(ByClass):
    """A score of each class, and its average."""

    Params: ClassVar[type] = Average

    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        state = super().measure(prediction, target, weight)
        if self.params.average == "binary" and state.shape[1] > 2:
            raise MetricError(
                f"[{self._where}] class {state.shape[1] - 1} with average = 'binary'; expected classes 0 and 1; "
                f"write average='macro', or the metric {self._where}_macro in a recipe"
            )
        return state

    @abstractmethod
    def score(self, right: Floats, support: Floats, claimed: Floats) -> Floats:
        """The score of each class, of how many rows were right, are of it, and were taken for it."""
        raise missing(self, "score")

    def result(self, state: State) -> float:
        right, support, claimed = state
        if not support.sum() > 0:
            return math.nan
        if self.params.average == "micro":
            return float(self.score(*state.sum(axis=1, keepdims=True))[0])
        scores = self.score(right, support, claimed)
        if self.params.average == "binary":
            return float(scores[self.params.pos_label]) if len(scores) > self.params.pos_label else 0.0
        if self.params.average == "weighted":
            return float(np.sum(scores * support) / support.sum())
        # A class that is neither there nor predicted says nothing.
        return float(np.mean(scores[(support > 0) | (claimed > 0)]))


def _over(a: Floats, b: Floats) -> Floats:
    """a / b, and 0 where nothing was counted."""
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


class Precision(_OfAverage):
    """Of the rows that were taken for a class, the share that is of it; 0 where there are none.

    average   "binary": that of class 1 of two; "macro": the mean over the classes that occur; "weighted": weighted by
              how often they do; "micro": of all rows together
    pos_label 0 takes class 0 of two for the positive one
    Source    sklearn.metrics.precision_score
    Example
        >>> metric = pt.metrics.Precision()
        >>> metric.update(np.array([0, 1, 1, 1]), np.array([0, 1, 0, 1]))
        >>> round(metric.compute(), 4)
        0.6667
    """

    _where = "precision"

    def score(self, right: Floats, support: Floats, claimed: Floats) -> Floats:
        return _over(right, claimed)


class Recall(_OfAverage):
    """Of the rows of a class, the share that was found; 0 where there are none. Settings as of Precision.

    Source    sklearn.metrics.recall_score
    Example
        >>> metric = pt.metrics.Recall(average="macro")
        >>> metric.update(np.array([0, 1, 1, 1]), np.array([0, 1, 0, 1]))
        >>> round(metric.compute(), 4)
        0.75
    """

    _where = "recall"

    def score(self, right: Floats, support: Floats, claimed: Floats) -> Floats:
        return _over(right, support)


class F1(_OfAverage):
    """The harmonic mean of precision and recall, of class 1 of two. Settings as of Precision.

    Source    sklearn.metrics.f1_score

    >>> f1 = F1()
    >>> f1.update(np.array([1, 1, 0, 0]), np.array([1, 0, 1, 0]))
    >>> f1.compute()
    0.5
    >>> missed = Recall(pos_label=0)
    >>> missed.update(np.array([1, 1, 0, 0]), np.array([1, 0, 0, 0]))
    >>> round(missed.compute(), 4)
    0.6667
    """

    _where = "f1"

    def score(self, right: Floats, support: Floats, claimed: Floats) -> Floats:
        return _over(2 * right, claimed + support)


class BalancedAccuracy(ByClass):
    """The mean of the recall of the classes that occur.

    Source    sklearn.metrics.balanced_accuracy_score
    Example
        >>> metric = pt.metrics.BalancedAccuracy()
        >>> metric.update(np.array([0, 1, 1, 1]), np.array([0, 1, 0, 1]))
        >>> round(metric.compute(), 4)
        0.75
    """

    _where = "balanced accuracy"

    def result(self, state: State) -> float:
        right, support, _ = state
        there = support > 0
        return float(np.mean(right[there] / support[there])) if there.any() else math.nan


class MatthewsCorrCoef(ByClass):
    """Matthews' correlation of predicted and true classes, from -1 to 1; 0 where one of them never varies.

    Source    Gorodkin 2004; sklearn.metrics.matthews_corrcoef
    Example
        >>> metric = pt.metrics.MatthewsCorrCoef()
        >>> metric.update(np.array([0, 1, 1, 1]), np.array([0, 1, 0, 1]))
        >>> round(metric.compute(), 4)
        0.5774
    """

    _where = "mcc"

    def result(self, state: State) -> float:
        right, support, claimed = state
        total = support.sum()
        if not total > 0:
            return math.nan
        # As shares of the total: products of counts would overflow what a float64 holds exactly.
        right, support, claimed = right / total, support / total, claimed / total
        spread = (1 - np.sum(claimed**2)) * (1 - np.sum(support**2))
        constant = np.count_nonzero(support) < 2 or np.count_nonzero(claimed) < 2
        return 0.0 if constant else float((right.sum() - np.sum(claimed * support)) / np.sqrt(spread))


class CohenKappa(ByClass):
    """Cohen's kappa: how much more often predicted and true classes agree than by chance; NaN where chance is sure.

    Source    Cohen 1960; sklearn.metrics.cohen_kappa_score
    Example
        >>> metric = pt.metrics.CohenKappa()
        >>> metric.update(np.array([0, 1, 1, 1]), np.array([0, 1, 0, 1]))
        >>> round(metric.compute(), 4)
        0.5
    """

    _where = "kappa"

    def result(self, state: State) -> float:
        right, support, claimed = state
        total = support.sum()
        if not total > 0:
            return math.nan
        chance = float(np.sum((support / total) * (claimed / total)))
        return (float(right.sum() / total) - chance) / (1 - chance) if chance < 1 else math.nan


@dataclass(frozen=True)
class ClassScores:
    """What a confusion matrix says of each class; a score with nothing to count (0 / 0) is 0."""

    precision: Floats
    recall: Floats
    f1: Floats
    support: Floats

    @property
    def macro_f1(self) -> float:
        return float(self.f1.mean())


class ConfusionMatrix(Metric):
    """Counts by (target row, predicted column), as `matrix`; the result is the accuracy, NaN of nothing.

    num_classes  how many the data has

    Example
        >>> metric = pt.metrics.ConfusionMatrix(num_classes=3)
        >>> metric.update(np.array([0, 1, 2]), np.array([0, 1, 1]))
        >>> round(metric.compute(), 4), metric.matrix.tolist()
        (0.6667, [[1, 0, 0], [0, 1, 1], [0, 0, 0]])
    """

    of_classes = True

    @dataclass(frozen=True)
    class Params:
        num_classes: int = param(2, low=1, doc="how many the data has")

    def zero(self) -> State:
        return np.zeros((self.params.num_classes, self.params.num_classes))

    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        found, wanted, w = counted(prediction, target, weight, "confusion")
        classes = self.params.num_classes
        for name, values in (("predicted class", found), ("target", wanted)):
            outside = values[values >= classes]
            if outside.size:
                raise MetricError(
                    f"[confusion] {name} {outside[0]}; expected 0 to {classes - 1}; "
                    "give the number of classes that the data has"
                )
        cells = np.bincount(wanted * classes + found, weights=w, minlength=classes**2)
        return cells.reshape(classes, classes).astype(np.float64)

    def result(self, state: State) -> float:
        return ratio(np.trace(state), state.sum())

    @property
    def matrix(self) -> NDArray[np.int64] | Floats:
        """The counts so far: whole numbers, unless examples had fractions for weights."""
        whole = self.state.astype(np.int64)
        return whole if np.array_equal(whole, self.state) else self.state

    def scores(self) -> ClassScores:
        """Precision, recall and F1 of each class."""
        right, support, claimed = np.diag(self.state), self.state.sum(axis=1), self.state.sum(axis=0)
        return ClassScores(_over(right, claimed), _over(right, support), _over(2 * right, claimed + support), support)
