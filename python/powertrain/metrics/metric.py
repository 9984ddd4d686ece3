"""What metrics share: weights, which are 0 for padding; states that are rows; the mean. Their base is
`powertrain.plugin.Metric`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain import _core
from powertrain.plugin.metric import Metric, State

if TYPE_CHECKING:
    from powertrain.typing import Outputs, TensorLike

Array = NDArray[Any]


class MetricError(_core.Error, ValueError):
    """A batch that a metric cannot use: `[where] what was received; what was expected; how to fix it`."""


def ratio(a: Any, b: Any) -> float:
    return float(a) / float(b) if b > 0 else float("nan")


def weights(weight: TensorLike | None, count: int, where: str) -> NDArray[np.float64]:
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


def per_row(weight: TensorLike | None, shape: tuple[int, ...], where: str) -> NDArray[np.float64]:
    """Weights of every row of a target: those of its example, for each token or output of it."""
    examples = shape[0] if shape else 1
    values = weights(weight, examples, where)
    rows: NDArray[np.float64] = np.repeat(values, int(np.prod(shape[1:], dtype=np.int64)))
    return rows


class Rows(Metric):
    """A metric that needs every example at once: its state is their numbers, one row each."""

    def zero(self) -> State:
        return np.zeros((0, 0))

    def merged(self, a: State, b: State) -> State:
        if len(a) == 0 or len(b) == 0:
            return (b if len(a) == 0 else a).copy()
        if a.shape[1] != b.shape[1]:
            raise MetricError(
                f"[{type(self).__name__}] batches of {a.shape[1] - 2} and {b.shape[1] - 2} classes; expected as many "
                "in each; give the scores of all classes"
            )
        return np.concatenate([a, b])


class Mean(Metric):
    """The weighted mean of values, such as losses per example: `update(values, weight=weight)`; NaN of nothing.

    >>> mean = Mean()
    >>> mean.update(np.array([1.0, 3.0]))
    >>> mean.compute()
    2.0
    """

    lower_is_better = True

    def measure(self, prediction: Outputs, target: Outputs | None = None, weight: TensorLike | None = None) -> State:
        if target is not None:
            raise MetricError(
                f"[mean] values and a target of shape {list(np.asarray(target).shape)}; expected values alone; write "
                "update(values, weight=weights) where these are weights"
            )
        values = np.asarray(prediction, dtype=np.float64)
        w = per_row(weight, values.shape, "mean")
        # A row of weight 0 is padding: what stands there, be it NaN, must not count.
        return np.array([np.sum(w * np.where(w > 0, values.ravel(), 0)), np.sum(w)])
