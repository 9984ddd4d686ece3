"""What linear estimators share: scores of rows, and the classes or values that they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import compute_sample_weight

from powertrain.sklearn.checks import EstimatorError, demand_classes, demand_fitted, demand_numbers, validated, weighed
from powertrain.solvers.tall import Floats, product

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powertrain.typing import Array, TensorLike

KINDS = [np.float64, np.float32]


def weighted_classes(estimator: Any, x: Any, y: Any, sample_weight: TensorLike | None) -> tuple[Array, Array, Floats]:
    """Checked rows, the number of each one's class and its weight; rows without weight are left out, and
    `estimator.classes_` are those of all."""
    x, y = validated(estimator, x, y, dtype=KINDS, order="C")
    demand_classes(estimator, y)
    weight = weighed(estimator, sample_weight, x)
    estimator.classes_, numbers = np.unique(y, return_inverse=True)
    seen = np.unique(numbers[weight > 0])
    if len(seen) < 2:
        raise EstimatorError(
            f"[{type(estimator).__name__}] y has {len(seen)} class; expected at least two classes with weight; check "
            "the labels"
        )
    kept = weight > 0
    return (x, numbers, weight) if kept.all() else (x[kept], numbers[kept], weight[kept])


def numbered(estimator: Any, y: Any, classes: Any) -> Any:
    """The numbers of rows' classes among those that are known."""
    numbers = np.searchsorted(classes, y).clip(max=len(classes) - 1)
    unknown = np.asarray(y)[classes[numbers] != y]
    if len(unknown):
        raise EstimatorError(
            f"[{type(estimator).__name__}] y has the class {unknown[0]!s}; expected one of "
            f"{', '.join(map(str, classes[:8]))}{', ...' if len(classes) > 8 else ''}; name all classes in the first "
            "call"
        )
    return numbers


def class_weights(
    class_weight: Mapping[object, float] | str | None, classes: Any, numbers: Any, weight: Floats
) -> Floats:
    """The weight of each class: of a dict, or "balanced", which gives each class the same total."""
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, str) and class_weight == "balanced":
        totals = np.bincount(numbers, weight, len(classes))
        seen = totals > 0
        return np.divide(weight.sum() / np.count_nonzero(seen), totals, out=np.zeros(len(classes)), where=seen)
    if not isinstance(class_weight, dict):
        raise EstimatorError(
            f'[class_weight] received {class_weight!r}; expected None, "balanced" or a dict of weights by class; '
            '"balanced" is usual for rare classes'
        )
    return np.asarray(compute_sample_weight(class_weight, classes), dtype=np.float64)


def weighted_targets(
    estimator: Any, x: Any, y: Any, sample_weight: TensorLike | None, several: bool
) -> tuple[Array, Array, Floats]:
    """Checked rows, their targets (of `several`, one or more each) and weights, without rows of no weight."""
    x, y = validated(estimator, x, y, dtype=KINDS, order="C", multi_output=several, y_numeric=True)
    demand_numbers(estimator, y)
    weight = weighed(estimator, sample_weight, x)
    kept = weight > 0
    return (x, y, weight) if kept.all() or not kept.any() else (x[kept], y[kept], weight[kept])


def scores(estimator: Any, x: Any) -> Array:
    """x coef + intercept, a column for each row of coef_."""
    demand_fitted(estimator)
    x = validated(estimator, x, dtype=KINDS, order="C", reset=False)
    return product(x, np.atleast_2d(estimator.coef_).T) + estimator.intercept_


class ScoredClasses:
    """The methods of a classifier whose `coef_` has one row for two classes, else one for each."""

    classes_: Any

    def decision_function(self, X: TensorLike) -> Array:  # noqa: N803
        """Scores: one a row for two classes (above 0 means the second), else one for each class."""
        found = scores(self, X)
        return found[:, 0] if len(self.classes_) == 2 else found

    def predict(self, X: TensorLike) -> Array:  # noqa: N803
        """The class of each row that has the highest score."""
        found = self.decision_function(X)
        return self.classes_[(found > 0).astype(int) if found.ndim == 1 else found.argmax(axis=1)]
