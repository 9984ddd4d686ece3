"""The positive class of two, and floats that may be probabilities."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.metrics import classes

RNG = np.random.default_rng(0)
SCORES, TRUTH = RNG.normal(size=60), RNG.integers(0, 2, 60)


def measured(metric: Any, scores: Any = SCORES) -> float:
    metric.update(scores[:20], TRUTH[:20])
    metric.update(scores[20:], TRUTH[20:])
    return float(metric.compute())


@pytest.mark.parametrize("positive", [0, 1])
def test_metrics_of_one_class_are_those_of_scikit_learn(positive: int) -> None:
    of = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    said = (SCORES > 0).astype(int)
    for ours, theirs in (("F1", "f1_score"), ("Precision", "precision_score"), ("Recall", "recall_score")):
        wanted = getattr(of, theirs)(TRUTH, said, pos_label=positive)
        assert measured(getattr(pt.metrics, ours)(pos_label=positive)) == pytest.approx(wanted, rel=1e-12)
    sign = 1 if positive else -1
    wanted = of.average_precision_score((positive == TRUTH).astype(int), sign * SCORES)
    assert measured(pt.metrics.AveragePrecision(pos_label=positive)) == pytest.approx(wanted, rel=1e-12)


def test_logits_of_both_classes_and_one_of_the_second_give_the_same() -> None:
    both = np.stack([np.zeros(60), SCORES], axis=1)
    for kind in (pt.metrics.F1, pt.metrics.AveragePrecision):
        assert measured(kind(pos_label=0), both) == measured(kind(pos_label=0))


def test_a_class_that_does_not_occur_scores_0() -> None:
    metric = pt.metrics.Recall(pos_label=0)
    metric.update(np.array([1, 1]), np.array([1, 1]))
    assert metric.compute() == 0.0


def test_an_average_over_classes_has_no_positive_one() -> None:
    with pytest.raises(pt.Error) as error:
        pt.metrics.F1(average="macro", pos_label=0)
    assert str(error.value) == (
        "[F1] received pos_label = 0 with average = 'macro', which is about all classes; expected one of them; leave "
        "the other out"
    )
    with pytest.raises(pt.Error, match="pos_label"):
        pt.metrics.F1(pos_label=2)


def test_floats_that_may_be_probabilities_are_named_once(caplog: pytest.LogCaptureFixture) -> None:
    classes._warn_of_probabilities.cache_clear()
    metric = pt.metrics.Accuracy()
    with caplog.at_level(logging.WARNING, "powertrain"):
        metric.update(SCORES[:20], TRUTH[:20])
        metric.update(np.array([0.2, 0.7]), np.array([0, 1]))  # too few to tell
        assert not caplog.messages
        for _ in range(2):
            metric.update(1 / (1 + np.exp(-SCORES)), TRUTH)
    assert caplog.messages == [
        "[accuracy] floats from 0 to 1, one a row, are read as logits: all above 0 are class 1; for probabilities give "
        "the class numbers, update((p > 0.5).astype('int64'), target)"
    ]
