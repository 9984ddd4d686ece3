"""Metrics of what a model should not give, and of arguments in another place: nothing is passed over."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.special

import powertrain as pt
from powertrain import metrics as m

OF_VALUES = [
    m.MeanSquaredError, m.RootMeanSquaredError, m.MeanAbsoluteError, m.MeanAbsolutePercentageError,
    m.MedianAbsoluteError, m.MaxError, m.R2, m.ExplainedVariance, m.PearsonCorrCoef, m.SpearmanCorrCoef,
]  # fmt: skip
GOOD = np.array([1.0, 2.0, 4.0])


@pytest.mark.parametrize("kind", OF_VALUES)
@pytest.mark.parametrize("place", ["prediction", "target"])
@pytest.mark.parametrize("first", [True, False])
def test_nan_is_never_passed_over(kind: Any, place: str, first: bool) -> None:
    bad = np.array([1.0, np.nan, 3.0])
    pair = (bad, GOOD) if place == "prediction" else (GOOD, bad)
    metric = kind()
    for batch in (pair, (GOOD + 1, GOOD)) if first else ((GOOD + 1, GOOD), pair):
        metric.update(*batch)
    assert math.isnan(metric.compute())
    metric.reset()
    metric.update(*pair, weight=np.array([1.0, 0.0, 1.0]))
    metric.update(GOOD + 1, GOOD)
    assert math.isfinite(metric.compute()), "a row of weight 0 is padding"


def test_perplexity_of_logits_and_tokens() -> None:
    draw = np.random.default_rng(0)
    logits, tokens = draw.normal(size=(4, 5, 7)), draw.integers(0, 7, (4, 5))
    weight = np.array([1.0, 0.0, 2.0, 0.5])
    own = np.take_along_axis(scipy.special.log_softmax(logits, axis=-1), tokens[..., None], axis=-1)[..., 0]
    metric = m.Perplexity()
    metric.update(logits[:2], tokens[:2], weight[:2])
    metric.update(-own[2:], weight=weight[2:])  # losses that are known
    wanted = math.exp(np.average(-own.mean(axis=1), weights=weight))
    assert metric.compute() == pytest.approx(wanted, rel=1e-12)


def test_a_mean_has_no_target() -> None:
    with pytest.raises(m.MetricError) as caught:
        m.Mean().update(np.array([1.0, 3.0]), np.array([3.0, 1.0]))
    assert str(caught.value) == (
        "[mean] values and a target of shape [2]; expected values alone; write update(values, weight=weights) where "
        "these are weights"
    )


def test_logits_of_mixed_precision() -> None:
    logits, labels = pt.tensor(np.eye(3)[[0, 1, 1]], "float32"), np.array([0, 1, 2])
    for dtype in ("bfloat16", "float16", "float32"):
        metric = m.Accuracy()
        metric.update(logits.astype(dtype), labels)
        assert metric.compute() == pytest.approx(2 / 3)
    errors = m.MeanSquaredError()
    errors.update(pt.tensor([1.0, 2.0], "bfloat16"), pt.tensor([1.0, 4.0], "bfloat16"))
    assert errors.compute() == 2.0
