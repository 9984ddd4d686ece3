"""What a classifier does to groups of people: rates and how far they are apart, weights and thresholds that bring them
together. Names and arguments are fairlearn's where it has the same.

All take arrays of two classes, 0 and 1; 1 is the outcome that is wanted. Errors are `pt.data.DataError`.

Example
    >>> y, said, sex = [1, 0, 1, 0], [1, 0, 0, 0], ["f", "f", "m", "m"]
    >>> pt.fairness.demographic_parity_difference(y, said, sensitive_features=sex)
    0.5
    >>> pt.fairness.reweighing([1, 0, 0, 0], sensitive_features=sex).tolist()
    [0.5, 1.5, 0.75, 0.75]
"""

from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.fairness.rates import (
    GroupRates,
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equal_opportunity_ratio,
    equalized_odds_difference,
    equalized_odds_ratio,
    group_rates,
)
from powertrain.fairness.reweighing import reweighing
from powertrain.fairness.thresholds import GroupThresholds, Mixture, fit_thresholds

__all__ = [
    "GroupRates",
    "GroupThresholds",
    "Mixture",
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equal_opportunity_difference",
    "equal_opportunity_ratio",
    "equalized_odds_difference",
    "equalized_odds_ratio",
    "fit_thresholds",
    "group_rates",
    "reweighing",
]

export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
