"""What a simple predictor reaches: what a model must beat to be worth anything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Baseline:
    """One simple predictor on the part that the model is judged on: its name, the metric and its value, and `how` it
    predicts, in words. `higher_is_better` is for a metric of a strategy's own; of accuracy the engine knows it.

    Example
        >>> Baseline("dummy", "accuracy", 0.1, "always the most frequent class").value
        0.1
    """

    name: str
    metric: str
    value: float
    how: str
    higher_is_better: bool = False
