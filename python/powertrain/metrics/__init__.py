"""Metrics: mergeable states, so that a result over parts is that over the whole; never averages of averages."""

from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.metrics.classification import (
    F1,
    Accuracy,
    BalancedAccuracy,
    CohenKappa,
    ConfusionMatrix,
    MatthewsCorrCoef,
    Perplexity,
    Precision,
    Recall,
    TopKAccuracy,
)
from powertrain.metrics.correlation import PearsonCorrCoef, SpearmanCorrCoef
from powertrain.metrics.metric import Mean, MetricError
from powertrain.metrics.probabilities import BrierScore, LogLoss
from powertrain.metrics.ranking import AUC, AveragePrecision
from powertrain.metrics.regression import (
    R2,
    ExplainedVariance,
    MaxError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MedianAbsoluteError,
    RootMeanSquaredError,
)
from powertrain.metrics.text import BLEU, CHRF, CharErrorRate, WordErrorRate
from powertrain.plugin.metric import Metric, State

__all__ = [
    "AUC",
    "BLEU",
    "CHRF",
    "F1",
    "R2",
    "Accuracy",
    "AveragePrecision",
    "BalancedAccuracy",
    "BrierScore",
    "CharErrorRate",
    "CohenKappa",
    "ConfusionMatrix",
    "ExplainedVariance",
    "LogLoss",
    "MatthewsCorrCoef",
    "MaxError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MedianAbsoluteError",
    "Metric",
    "MetricError",
    "PearsonCorrCoef",
    "Perplexity",
    "Precision",
    "Recall",
    "RootMeanSquaredError",
    "SpearmanCorrCoef",
    "State",
    "TopKAccuracy",
    "WordErrorRate",
]


export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
