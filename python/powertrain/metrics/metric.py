"""What a metric is: four pure functions over a state of one float64 array, which a slot can hold.

`prediction` is what the model gave for a batch (logits, or values), `target` what the data says, and `weight`, one
per example, is 0 for padding.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain import _core
from powertrain.plugins.bases import Metric

Array = NDArray[Any]
State = NDArray[np.float64]


class MetricError(_core.Error, ValueError):
    """A batch that a metric cannot use: `[where] what was received; what was expected; how to fix it`."""


def weights(weight: Array | None, count: int, where: str) -> NDArray[np.float64]:
    """One float64 weight per example, ones by default; any numbers that are finite and not below 0, fractions too."""
    if weight is None:
        return np.ones(count)
    values = np.asarray(weight, dtype=np.float64)
    if values.shape != (count,):
        raise MetricError(
            f"[{where}] weights of shape {list(values.shape)}; expected {count} numbers >= 0, one per example; "
            "pass the loader's batch.weight"
        )
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise MetricError(
            f"[{where}] the weight of example {row} is {values[row]}; expected a finite number >= 0; pass the loader's "
            "batch.weight"
        )
    return values


def per_row(weight: Array | None, shape: tuple[int, ...], where: str) -> NDArray[np.float64]:
    """Weights of every row of a target: those of its example, for each token or output of it."""
    examples = shape[0] if shape else 1
    values = weights(weight, examples, where)
    rows: NDArray[np.float64] = np.repeat(values, int(np.prod(shape[1:], dtype=np.int64)))
    return rows


class Additive(Metric, declares=True):
    """A metric whose states add up."""

    size: ClassVar[int] = 2

    def zero(self) -> State:
        return np.zeros(self.size)

    def merge(self, a: State, b: State) -> State:
        return np.add(a, b)

    def added(self, state: State, total: np.float64, count: np.float64) -> State:
        """A state [total, count] with those of a batch."""
        return self.merge(state, np.array([total, count], dtype=np.float64))


class Mean(Additive):
    """The weighted mean of values, such as losses per example: `update(state, values, None, weight)`; NaN of nothing.

    >>> Mean().result(Mean().update(Mean().zero(), np.array([1.0, 3.0])))
    2.0
    """

    def update(
        self, state: State, prediction: Array, target: Array | None = None, weight: Array | None = None
    ) -> State:
        values = np.asarray(prediction, dtype=np.float64)
        w = per_row(weight, values.shape, "mean")
        # A row of weight 0 is padding: what stands there, be it NaN, must not count.
        return self.added(state, np.sum(w * np.where(w > 0, values.ravel(), 0)), np.sum(w))

    def result(self, state: State) -> float:
        return float(state[0] / state[1]) if state[1] > 0 else float("nan")
