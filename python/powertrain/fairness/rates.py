"""What a classifier of two classes does to groups of people, and how far the groups are apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain.data.errors import DataError
from powertrain.fairness.checks import Floats, grouped, two_classes, weights

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


@dataclass(frozen=True)
class GroupRates:
    """What became of one group. A rate of nobody is NaN.

    count                the number of rows
    base_rate            the share that is of class 1
    selection_rate       the share that was taken for class 1
    true_positive_rate   of those of class 1, the share that was taken for it
    false_positive_rate  of those of class 0, the share that was taken for class 1
    accuracy             the share of right answers

    Example
        >>> pt.fairness.group_rates([1, 0], [1, 1], sensitive_features=["a", "a"])["a"].selection_rate
        1.0
    """

    count: int
    base_rate: float
    selection_rate: float
    true_positive_rate: float
    false_positive_rate: float
    accuracy: float


def group_rates(
    y_true: TensorLike, y_pred: TensorLike, *, sensitive_features: TensorLike, sample_weight: TensorLike | None = None
) -> dict[str, GroupRates]:
    """Measure the rates of each group, by its name.

    y_true, y_pred      0 or 1 for each row; 1 is the outcome that is wanted
    sensitive_features  the group of each row, a number or a name
    Source              fairlearn.metrics.MetricFrame
    Example
        >>> rates = pt.fairness.group_rates([1, 0, 1, 0], [1, 0, 0, 0], sensitive_features=["f", "f", "m", "m"])
        >>> rates["f"].true_positive_rate, rates["m"].true_positive_rate
        (1.0, 0.0)
    """
    where = "group_rates"
    truth, said = two_classes(where, "y_true", y_true), two_classes(where, "y_pred", y_pred)
    if len(truth) != len(said):
        raise DataError(where, f"{len(truth):,} and {len(said):,} rows", "expected as many", "check y_true and y_pred")
    group, names = grouped(where, sensitive_features, len(truth))
    weight = weights(where, sample_weight, len(truth))

    def share(counted: Any, among: Any) -> Floats:
        top = np.bincount(group, weights=weight * (counted & among), minlength=len(names))
        below = np.bincount(group, weights=weight * among, minlength=len(names))
        return np.divide(top, below, out=np.full(len(names), np.nan), where=below > 0)

    everybody = np.ones(len(truth), np.bool_)
    rates = (
        share(truth, everybody), share(said, everybody), share(said, truth), share(said, ~truth),
        share(said == truth, everybody),
    )  # fmt: skip
    counts = np.bincount(group, minlength=len(names))
    return {name: GroupRates(int(counts[at]), *(float(one[at]) for one in rates)) for at, name in enumerate(names)}


def demographic_parity_difference(
    y_true: TensorLike, y_pred: TensorLike, *, sensitive_features: TensorLike, sample_weight: TensorLike | None = None
) -> float:
    """The largest difference of two groups' selection rates; 0 where all groups are selected equally often.

    Source    fairlearn.metrics.demographic_parity_difference
    Example
        >>> groups = ["a", "a", "b", "b"]
        >>> pt.fairness.demographic_parity_difference([1, 0, 1, 0], [1, 1, 1, 0], sensitive_features=groups)
        0.5
    """
    return _difference(_rates(y_true, y_pred, sensitive_features, sample_weight), "selection_rate")


def demographic_parity_ratio(
    y_true: TensorLike, y_pred: TensorLike, *, sensitive_features: TensorLike, sample_weight: TensorLike | None = None
) -> float:
    """The smallest selection rate of a group over the largest; 1 where all are equal, NaN where nobody is selected.

    The "four-fifths rule" of US employment law looks at 0.8.

    Source    fairlearn.metrics.demographic_parity_ratio
    Example
        >>> groups = ["a", "a", "b", "b"]
        >>> pt.fairness.demographic_parity_ratio([1, 0, 1, 0], [1, 1, 1, 0], sensitive_features=groups)
        0.5
    """
    return _ratio(_rates(y_true, y_pred, sensitive_features, sample_weight), "selection_rate")


def equalized_odds_difference(
    y_true: TensorLike, y_pred: TensorLike, *, sensitive_features: TensorLike, sample_weight: TensorLike | None = None
) -> float:
    """The larger of two differences between groups: of the true positive rates, and of the false positive rates.

    Groups without examples of a class are left out of the rate of that class.

    Source    Hardt, Price and Srebro 2016; fairlearn.metrics.equalized_odds_difference
    Example
        >>> groups = ["a", "a", "b", "b"]
        >>> pt.fairness.equalized_odds_difference([1, 0, 1, 0], [1, 1, 1, 0], sensitive_features=groups)
        1.0
    """
    rates = _rates(y_true, y_pred, sensitive_features, sample_weight)
    return max(_difference(rates, "true_positive_rate"), _difference(rates, "false_positive_rate"))


def equalized_odds_ratio(
    y_true: TensorLike, y_pred: TensorLike, *, sensitive_features: TensorLike, sample_weight: TensorLike | None = None
) -> float:
    """The smaller of two ratios between groups: of the true positive rates, and of the false positive rates.

    Source    Hardt, Price and Srebro 2016; fairlearn.metrics.equalized_odds_ratio
    Example
        >>> groups = ["a", "a", "b", "b"]
        >>> pt.fairness.equalized_odds_ratio([1, 0, 1, 0], [1, 1, 1, 1], sensitive_features=groups)
        1.0
    """
    rates = _rates(y_true, y_pred, sensitive_features, sample_weight)
    return min(_ratio(rates, "true_positive_rate"), _ratio(rates, "false_positive_rate"))


def equal_opportunity_difference(
    y_true: TensorLike, y_pred: TensorLike, *, sensitive_features: TensorLike, sample_weight: TensorLike | None = None
) -> float:
    """The largest difference of two groups' true positive rates: of those of class 1, who is found more often?

    Source    Hardt, Price and Srebro 2016; fairlearn.metrics.equal_opportunity_difference
    Example
        >>> groups = ["a", "a", "b", "b"]
        >>> pt.fairness.equal_opportunity_difference([1, 1, 1, 1], [1, 0, 1, 1], sensitive_features=groups)
        0.5
    """
    return _difference(_rates(y_true, y_pred, sensitive_features, sample_weight), "true_positive_rate")


def equal_opportunity_ratio(
    y_true: TensorLike, y_pred: TensorLike, *, sensitive_features: TensorLike, sample_weight: TensorLike | None = None
) -> float:
    """The smallest true positive rate of a group over the largest.

    Source    Hardt, Price and Srebro 2016; fairlearn.metrics.equal_opportunity_ratio
    Example
        >>> groups = ["a", "a", "b", "b"]
        >>> pt.fairness.equal_opportunity_ratio([1, 1, 1, 1], [1, 0, 1, 1], sensitive_features=groups)
        0.5
    """
    return _ratio(_rates(y_true, y_pred, sensitive_features, sample_weight), "true_positive_rate")


def _rates(y_true: Any, y_pred: Any, groups: Any, weight: Any) -> list[GroupRates]:
    return list(group_rates(y_true, y_pred, sensitive_features=groups, sample_weight=weight).values())


def known_rates(rates: list[GroupRates], name: str) -> Floats:
    """One rate of each group that has it."""
    found = np.array([getattr(one, name) for one in rates])
    return found[~np.isnan(found)]


def _difference(rates: list[GroupRates], name: str) -> float:
    found = known_rates(rates, name)
    return float(found.max() - found.min()) if len(found) else float("nan")


def _ratio(rates: list[GroupRates], name: str) -> float:
    found = known_rates(rates, name)
    return float(found.min() / found.max()) if len(found) and found.max() > 0 else float("nan")
