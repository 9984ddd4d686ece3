"""Metrics of regressions: values against values of the same shape, all outputs together."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.errors.methods import missing
from powertrain.metrics.metric import MetricError, Rows, per_row
from powertrain.plugin.metric import Metric, State

if TYPE_CHECKING:
    from powertrain.typing import Outputs, TensorLike

Values = NDArray[np.float64]


def pairs(prediction: Any, target: Any, weight: TensorLike | None, where: str) -> tuple[Values, Values, Values]:
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


class _MeanOf(Metric):
    """The mean of an error of each value."""

    lower_is_better = True
    tasks = ("regression",)
    _where = "error"

    @abstractmethod
    def error(self, found: Values, wanted: Values) -> Values:
        """The error of each value."""
        raise missing(self, "error")

    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        found, wanted, w = pairs(prediction, target, weight, self._where)
        return np.array([np.sum(w * self.error(found, wanted)), np.sum(w)])


class MeanSquaredError(_MeanOf):
    """The mean of (prediction - target)^2.

    Example
        >>> metric = pt.metrics.MeanSquaredError()
        >>> metric.update(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
        >>> round(metric.compute(), 4)
        0.3333
    """

    unit_power = 2
    _where = "mse"

    def error(self, found: Values, wanted: Values) -> Values:
        return np.square(found - wanted)


class RootMeanSquaredError(MeanSquaredError):
    """The root of the mean of (prediction - target)^2.

    Example
        >>> metric = pt.metrics.RootMeanSquaredError()
        >>> metric.update(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
        >>> round(metric.compute(), 4)
        0.5774
    """

    unit_power = 1
    _where = "rmse"

    def result(self, state: State) -> float:
        return math.sqrt(super().result(state))


class MeanAbsoluteError(_MeanOf):
    """The mean of |prediction - target|.

    Example
        >>> metric = pt.metrics.MeanAbsoluteError()
        >>> metric.update(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
        >>> round(metric.compute(), 4)
        0.3333
    """

    unit_power = 1
    _where = "mae"

    def error(self, found: Values, wanted: Values) -> Values:
        return np.abs(found - wanted)


class MeanAbsolutePercentageError(_MeanOf):
    """The mean of |prediction - target| / |target|, as a share (0.1 for 10 %); a target of 0 counts as 2.2e-16.

    Source    sklearn.metrics.mean_absolute_percentage_error
    Example
        >>> metric = pt.metrics.MeanAbsolutePercentageError()
        >>> metric.update(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
        >>> round(metric.compute(), 4)
        0.1111
    """

    _where = "mape"

    def error(self, found: Values, wanted: Values) -> Values:
        return np.abs(found - wanted) / np.maximum(np.abs(wanted), np.finfo(np.float64).eps)


class MedianAbsoluteError(Rows):
    """The median of |prediction - target|; a whole weight counts as so many rows. State: a row [error, weight] each.

    Example
        >>> metric = pt.metrics.MedianAbsoluteError()
        >>> metric.update(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
        >>> round(metric.compute(), 4)
        0.0
    """

    unit_power = 1
    lower_is_better = True
    tasks = ("regression",)

    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        found, wanted, w = pairs(prediction, target, weight, "median absolute error")
        return np.column_stack([np.abs(found - wanted), w])

    def result(self, state: State) -> float:
        if len(state) == 0 or np.isnan(state).any():
            return math.nan
        errors, w = state[np.lexsort((state[:, 1], state[:, 0]))].T
        upto = np.cumsum(w)
        half = upto[-1] / 2
        at = int(np.searchsorted(upto, half))
        # Where the half is reached exactly between two, their mean.
        return float((errors[at] + errors[at + 1]) / 2 if upto[at] == half else errors[at])


class MaxError(Metric):
    """The largest |prediction - target|. State: [weight, the largest].

    Example
        >>> metric = pt.metrics.MaxError()
        >>> metric.update(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
        >>> round(metric.compute(), 4)
        1.0
    """

    unit_power = 1
    lower_is_better = True
    tasks = ("regression",)

    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        found, wanted, w = pairs(prediction, target, weight, "max error")
        return np.array([np.sum(w), np.max(np.abs(found - wanted), initial=0.0)])

    def merged(self, a: State, b: State) -> State:
        return np.array([a[0] + b[0], np.maximum(a[1], b[1])])  # NaN stays: Python's max would drop it

    def result(self, state: State) -> float:
        return float(state[1]) if state[0] > 0 else math.nan


class Moments(Metric):
    """A metric of means and deviations of columns. State: [weight, means..., products of deviations...].

    Deviations merge as in Chan, Golub and LeVeque (1979); sums of squares would lose all digits when the mean is large
    beside the deviation.
    """

    tasks = ("regression",)
    _where = "moments"

    def columns(self, found: Values, wanted: Values) -> tuple[Values, Values]:
        """Two columns whose moments count."""
        return found, wanted

    def zero(self) -> State:
        return np.zeros(6)

    def measure(self, prediction: Outputs, target: Outputs, weight: TensorLike | None = None) -> State:
        found, wanted, w = pairs(prediction, target, weight, self._where)
        return moments(*self.columns(found, wanted), w)

    def merged(self, a: State, b: State) -> State:
        total = a[0] + b[0]
        if total == 0:
            return a.copy()
        share = b[0] / total
        x, y = b[1] - a[1], b[2] - a[2]
        spread = np.array([x * x, y * y, x * y]) * (a[0] * share)
        return np.concatenate([[total, a[1] + x * share, a[2] + y * share], a[3:] + b[3:] + spread])


def moments(x: Values, y: Values, w: Values) -> State:
    """[weight, mean of x, mean of y, sum of squared deviations of x, of y, of their products]."""
    total = float(np.sum(w))
    if total == 0:
        return np.zeros(6)
    means = float(np.sum(w * x)) / total, float(np.sum(w * y)) / total
    x, y = x - means[0], y - means[1]
    return np.array([total, *means, np.sum(w * x * x), np.sum(w * y * y), np.sum(w * x * y)])


class R2(Moments):
    """1 - (squared error) / (squared deviation of the targets from their mean); NaN when the targets never vary.

    Source    sklearn.metrics.r2_score
    Example
        >>> metric = pt.metrics.R2()
        >>> metric.update(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
        >>> round(metric.compute(), 4)
        0.5
    """

    _where = "r2"

    def columns(self, found: Values, wanted: Values) -> tuple[Values, Values]:
        return wanted - found, wanted

    def result(self, state: State) -> float:
        total, error, _, of_error, of_targets, _ = state.tolist()
        return 1 - (of_error + total * error * error) / of_targets if of_targets > 0 else math.nan


class ExplainedVariance(R2):
    """1 - (variance of the errors) / (variance of the targets): R2 but for a constant that all predictions are off by.

    Source    sklearn.metrics.explained_variance_score
    Example
        >>> metric = pt.metrics.ExplainedVariance()
        >>> metric.update(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
        >>> round(metric.compute(), 4)
        0.6667
    """

    _where = "explained variance"

    def result(self, state: State) -> float:
        return 1 - float(state[3] / state[4]) if state[4] > 0 else math.nan
