"""Metrics of classifiers: logits [..., classes] (or class numbers) against class numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from powertrain.metrics.metric import Additive, Array, Mean, MetricError, State, per_row
from powertrain.plugins.params import NoParams


def predicted(prediction: Array, target: Array, where: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Class numbers, flat, of logits (the largest one; the first of equals) or of class numbers; and the targets."""
    prediction, target = np.asarray(prediction), np.asarray(target)
    if target.dtype.kind not in "iub" or prediction.shape[: target.ndim] != target.shape:
        raise MetricError(
            f"[{where}] predictions {list(prediction.shape)}, targets {target.dtype}{list(target.shape)}; "
            "expected logits [..., classes] and class numbers [...]; check the order of the arguments"
        )
    if prediction.ndim == target.ndim + 1:
        prediction = prediction.argmax(axis=-1)
    return prediction.ravel().astype(np.int64), target.ravel().astype(np.int64)


class Accuracy(Additive):
    """The share of right classes; state: [right, all]."""

    Params = NoParams
    tasks = ("classification", "language")

    def __init__(self, params: NoParams | None = None) -> None:
        pass

    def update(self, state: State, prediction: Array, target: Array, weight: Array | None = None) -> State:
        found, wanted = predicted(prediction, target, "accuracy")
        w = per_row(weight, np.shape(target), "accuracy")
        return self.added(state, np.sum(w * (found == wanted)), np.sum(w))

    def result(self, state: State) -> float:
        return float(state[0] / state[1]) if state[1] > 0 else math.nan


class Perplexity(Mean):
    """exp of the mean loss: `update(state, losses, None, weight)` with losses in nats per token."""

    Params = NoParams

    def __init__(self, params: NoParams | None = None) -> None:
        pass

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
    """Counts by (target row, predicted column); result: the accuracy."""

    @dataclass(frozen=True)
    class Params:
        classes: int = 2

    def __init__(self, params: Params | int) -> None:
        self.classes = params if isinstance(params, int) else params.classes
        if self.classes < 1:
            raise MetricError(
                f"[confusion] {self.classes} classes; expected at least 1; give the number that the data has"
            )

    def zero(self) -> State:
        return np.zeros((self.classes, self.classes))

    def update(self, state: State, prediction: Array, target: Array, weight: Array | None = None) -> State:
        found, wanted = predicted(prediction, target, "confusion")
        w = per_row(weight, np.shape(target), "confusion")
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
