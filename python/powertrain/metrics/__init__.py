"""Metrics: mergeable states, so that a result over parts is that over the whole; never averages of averages."""

from powertrain.boundary import export
from powertrain.metrics.classification import Accuracy, ConfusionMatrix, Perplexity
from powertrain.metrics.metric import Mean, MetricError, State
from powertrain.metrics.regression import MeanAbsoluteError, MeanSquaredError, RSquared
from powertrain.plugins.bases import Metric

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
