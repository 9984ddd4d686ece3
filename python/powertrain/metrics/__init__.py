"""Metrics: mergeable states, so that a result over parts is that over the whole; never averages of averages."""

from powertrain.boundary import export
from powertrain.metrics.classification import Accuracy, ConfusionMatrix, Perplexity
from powertrain.metrics.metric import Mean, Metric, MetricError, State
from powertrain.metrics.regression import MeanAbsoluteError, MeanSquaredError, RSquared

__all__ = [
    "Accuracy",
    "ConfusionMatrix",
    "Mean",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "MetricError",
    "Perplexity",
    "RSquared",
    "State",
]

export(globals())
