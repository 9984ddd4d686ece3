"""Metrics of classifiers: logits [..., classes] (or class numbers) against class numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from powertrain.metrics.metric import Additive, Array, Mean, MetricError, State, per_row


def counted(
    prediction: Array, target: Array, weight: Array | None, where: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Class numbers, flat, of logits (the largest one; the first of equals) or of class numbers; the targets; and the
    weights. Rows of weight 0 are padding and left out, whatever they hold."""
    prediction, target = np.asarray(prediction), np.asarray(target)
    logits = prediction.ndim == target.ndim + 1 and prediction.shape[-1] > 0
    numbers = prediction.ndim == target.ndim and prediction.dtype.kind in "iub"
    if target.dtype.kind not in "iub" or prediction.shape[: target.ndim] != target.shape or not (logits or numbers):
        raise MetricError(
            f"[{where}] predictions {list(prediction.shape)}, targets {target.dtype}{list(target.shape)}; "
            "expected logits [..., classes] and class numbers [...]; check the order of the arguments"
        )
    w = per_row(weight, target.shape, where)
    real = w > 0
    found = prediction.reshape(len(w), prediction.shape[-1])[real] if logits else prediction.ravel()[real]
    if logits:
        unknown = np.isnan(found).any(axis=1)
        if unknown.any():
            row = int(np.flatnonzero(real)[np.flatnonzero(unknown)[0]])
            raise MetricError(
                f"[{where}] NaN among the logits of row {row}; expected numbers, of which one is the largest; see what "
                "the model computes of that row"
            )
        found = found.argmax(axis=-1)
    return found.astype(np.int64), target.ravel()[real].astype(np.int64), w[real]


class Accuracy(Additive):
    """The share of right classes; NaN of nothing. State: [right, all]."""

    tasks = ("classification", "language")

    def update(self, state: State, prediction: Array, target: Array, weight: Array | None = None) -> State:
        found, wanted, w = counted(prediction, target, weight, "accuracy")
        return self.added(state, np.sum(w * (found == wanted)), np.sum(w))

    def result(self, state: State) -> float:
        return float(state[0] / state[1]) if state[1] > 0 else math.nan


class Perplexity(Mean):
    """exp of the mean loss: `update(state, losses, None, weight)` with losses in nats per token."""

    def result(self, state: State) -> float:
        mean = super().result(state)
        # Above e^709 a float64 overflows, and math.exp raises.
        return math.exp(mean) if mean < 709 else mean if math.isnan(mean) else math.inf


@dataclass(frozen=True)
class ClassScores:
    """What a confusion matrix says of each class; a score with nothing to count (0 / 0) is 0."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    support: NDArray[np.float64]

    @property
    def macro_f1(self) -> float:
        return float(self.f1.mean())


class ConfusionMatrix(Additive):
    """Counts by (target row, predicted column); result: the accuracy, NaN of nothing."""

    @dataclass(frozen=True)
    class Params:
        classes: int = 2

    def __init__(self, params: Params | int) -> None:
        self.classes = params if isinstance(params, int) else params.classes
        if not isinstance(self.classes, int) or self.classes < 1:
            raise MetricError(
                f"[confusion] {self.classes!r} classes; expected at least 1; give the number that the data has"
            )

    def zero(self) -> State:
        return np.zeros((self.classes, self.classes))

    def update(self, state: State, prediction: Array, target: Array, weight: Array | None = None) -> State:
        found, wanted, w = counted(prediction, target, weight, "confusion")
        for name, values in (("predicted class", found), ("target", wanted)):
            outside = values[(values < 0) | (values >= self.classes)]
            if outside.size:
                raise MetricError(
                    f"[confusion] {name} {outside[0]}; expected 0 to {self.classes - 1}; "
                    "give the number of classes that the data has"
                )
        cells = np.bincount(wanted * self.classes + found, weights=w, minlength=self.classes**2)
        return np.add(state, cells.reshape(self.classes, self.classes))

    def result(self, state: State) -> float:
        total = float(state.sum())
        return float(np.trace(state)) / total if total > 0 else math.nan

    def scores(self, state: State) -> ClassScores:
        """Precision, recall and F1 of each class."""
        right, support, claimed = np.diag(state), state.sum(axis=1), state.sum(axis=0)

        def ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.divide(a, b, out=np.zeros_like(a), where=b > 0)

        return ClassScores(ratio(right, claimed), ratio(right, support), ratio(2 * right, claimed + support), support)
