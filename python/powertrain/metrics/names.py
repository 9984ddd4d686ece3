"""Names that other libraries have for metrics, each with the line to write here."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from powertrain import _core

# What torchmetrics, scikit-learn and Keras call them.
_COUNTERPARTS = {
    "AUROC": "AUC()",
    "BLEUScore": "BLEU()",
    "CHRFScore": "CHRF()",
    "F1Score": 'F1(average="macro")',
    "MSE": "MeanSquaredError()",
    "MAE": "MeanAbsoluteError()",
    "MAPE": "MeanAbsolutePercentageError()",
    "RMSE": "RootMeanSquaredError()",
    "MCC": "MatthewsCorrCoef()",
    "MeanMetric": "Mean()",
    "R2Score": "R2()",
    "ROCAUC": "AUC()",
    "RSquared": "R2()",
    "SacreBLEUScore": "BLEU()",
    "TopKCategoricalAccuracy": "TopKAccuracy(k=5)",
    "accuracy_score": "Accuracy()",
    "average_precision_score": "AveragePrecision()",
    "balanced_accuracy_score": "BalancedAccuracy()",
    "brier_score_loss": "BrierScore(from_logits=False)",
    "cohen_kappa_score": "CohenKappa()",
    "confusion_matrix": "ConfusionMatrix(num_classes=2)",
    "explained_variance_score": "ExplainedVariance()",
    "f1_score": 'F1(average="binary")',
    "log_loss": "LogLoss(from_logits=False)",
    "matthews_corrcoef": "MatthewsCorrCoef()",
    "max_error": "MaxError()",
    "mean_absolute_error": "MeanAbsoluteError()",
    "mean_absolute_percentage_error": "MeanAbsolutePercentageError()",
    "mean_squared_error": "MeanSquaredError()",
    "median_absolute_error": "MedianAbsoluteError()",
    "precision_score": 'Precision(average="binary")',
    "r2_score": "R2()",
    "recall_score": 'Recall(average="binary")',
    "roc_auc_score": "AUC()",
    "root_mean_squared_error": "RootMeanSquaredError()",
    "top_k_accuracy_score": "TopKAccuracy(k=2)",
}


class MetricNameError(_core.Error, AttributeError):
    """A metric that is not there by that name."""


def missing(name: str, known: Iterable[str]) -> AttributeError:
    """The error of a name that `pt.metrics` has not. Python's own names are asked for by Python alone."""
    if name.startswith("_"):
        return AttributeError(f"module 'powertrain.metrics' has no attribute {name!r}")
    near = difflib.get_close_matches(name, list(known), n=1)
    line = _COUNTERPARTS.get(name) or (f"{near[0]}()" if near else None)
    fix = (
        f"write metric = pt.metrics.{line}; metric.update(prediction, target); metric.compute()"
        if line
        else ("derive one from pt.metrics.Metric")
    )
    return MetricNameError(f"[metrics] {name}; expected a name of powertrain.metrics; {fix}")
