"""What a simple predictor reaches: what a model must beat to be worth anything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Baseline:
    """One simple predictor on the part that the model is judged on: its name, the metric and its value, and `how` it
    predicts, in words. Of a metric that grows as a model gets better, such as accuracy, say `higher_is_better`.

    Example
        >>> Baseline("dummy", "accuracy", 0.1, "always the most frequent class", higher_is_better=True).value
        0.1
    """

    name: str
    metric: str
    value: float
    how: str
    higher_is_better: bool = False
