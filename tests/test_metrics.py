"""Metrics: values by hand and against plain float64 formulas, merging, weights, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from powertrain.metrics import (
    Accuracy,
    ConfusionMatrix,
    Mean,
    MeanAbsoluteError,
    MeanSquaredError,
    MetricError,
    Perplexity,
    RSquared,
)

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(0, 1, (40, 3)).astype(np.float32)
CLASSES = RNG.integers(0, 3, 40)
VALUES = RNG.normal(1e6, 1, (40, 2))
TARGETS = VALUES + RNG.normal(0, 0.3, (40, 2))
LOSSES = RNG.uniform(0, 3, (40, 5)).astype(np.float32)

CASES: list[tuple[Any, np.ndarray, np.ndarray | None]] = [
    (Accuracy(), LOGITS, CLASSES),
    (ConfusionMatrix(3), LOGITS, CLASSES),
    (Mean(), LOSSES, None),
    (Perplexity(), LOSSES, None),
    (MeanSquaredError(), VALUES, TARGETS),
    (MeanAbsoluteError(), VALUES, TARGETS),
    (RSquared(), VALUES, TARGETS),
]
IDS = [type(case[0]).__name__ for case in CASES]


def rows(array: np.ndarray | None, part: Any) -> np.ndarray | None:
    return None if array is None else array[part]


@pytest.mark.parametrize(("metric", "prediction", "target"), CASES, ids=IDS)
def test_merged_parts_give_the_result_of_the_whole(metric: Any, prediction: np.ndarray, target: Any) -> None:
    whole = metric.result(metric.update(metric.zero(), prediction, target))
    state = metric.zero()
    for start, stop in ((0, 1), (1, 8), (8, 8), (8, 40)):
        part = slice(start, stop)
        state = metric.merge(state, metric.update(metric.zero(), prediction[part], rows(target, part)))
    assert math.isclose(metric.result(state), whole, rel_tol=1e-12)
    assert state.dtype == np.float64


@pytest.mark.parametrize(("metric", "prediction", "target"), CASES, ids=IDS)
def test_padding_counts_for_nothing(metric: Any, prediction: np.ndarray, target: Any) -> None:
    weight = np.ones(40, dtype=np.float32)
    weight[30:] = 0
    state = metric.update(metric.zero(), prediction, target, weight)
    real = slice(0, 30)
    wanted = metric.result(metric.update(metric.zero(), prediction[real], rows(target, real)))
    assert math.isclose(metric.result(state), wanted, rel_tol=1e-12)


@pytest.mark.parametrize(("metric", "prediction", "target"), CASES, ids=IDS)
def test_update_leaves_the_state_that_it_was_given(metric: Any, prediction: np.ndarray, target: Any) -> None:
    state = metric.zero()
    metric.update(state, prediction, target)
    assert not state.any()
    assert math.isnan(metric.result(state))


def test_values_by_formula() -> None:
    def result(metric: Any, prediction: Any, target: Any = None) -> float:
        return metric.result(metric.update(metric.zero(), prediction, target))

    assert result(Accuracy(), LOGITS, CLASSES) == np.mean(LOGITS.argmax(1) == CLASSES)
    assert result(Accuracy(), np.array([1, 2, 0]), np.array([1, 2, 2])) == 2 / 3
    assert math.isclose(result(Perplexity(), LOSSES), np.exp(LOSSES.mean(dtype=np.float64)))
    assert result(Perplexity(), np.array([1e4])) == math.inf
    assert math.isclose(result(MeanSquaredError(), VALUES, TARGETS), np.mean((VALUES - TARGETS) ** 2))
    assert math.isclose(result(MeanAbsoluteError(), VALUES, TARGETS), np.mean(np.abs(VALUES - TARGETS)))
    deviation = np.square(TARGETS - TARGETS.mean()).sum()
    assert math.isclose(result(RSquared(), VALUES, TARGETS), 1 - np.square(VALUES - TARGETS).sum() / deviation)


def test_accuracy_of_tokens_uses_the_weight_of_their_example() -> None:
    logits, target = np.zeros((2, 3, 4)), np.zeros((2, 3), dtype=np.int64)
    target[1] = 1
    state = Accuracy().update(Accuracy().zero(), logits, target, np.array([1.0, 0.0]))
    assert state.tolist() == [3, 3]


def test_a_nan_in_padding_does_not_count() -> None:
    state = Mean().update(Mean().zero(), np.array([2.0, np.nan]), None, np.array([1.0, 0.0]))
    assert Mean().result(state) == 2


def test_scores_of_a_confusion_matrix() -> None:
    metric = ConfusionMatrix(3)
    state = metric.update(metric.zero(), np.array([0, 0, 1, 1, 0]), np.array([0, 0, 0, 1, 2]))
    assert state.tolist() == [[2, 1, 0], [0, 1, 0], [1, 0, 0]]
    scores = metric.scores(state)
    assert np.allclose(scores.precision, [2 / 3, 1 / 2, 0]) and np.allclose(scores.recall, [2 / 3, 1, 0])
    assert np.allclose(scores.f1, [2 / 3, 2 / 3, 0]) and scores.support.tolist() == [3, 1, 1]
    assert math.isclose(scores.macro_f1, 4 / 9) and metric.result(state) == 3 / 5


@pytest.mark.parametrize(
    ("metric", "arguments", "message"),
    [
        (
            Accuracy(),
            (np.zeros((4, 3)), np.zeros(5, dtype=int)),
            "[accuracy] predictions [4, 3], targets int64[5]; expected logits [..., classes] and class numbers [...]; "
            "check the order of the arguments",
        ),
        (
            ConfusionMatrix(2),
            (np.array([0, 2]), np.array([0, 1])),
            "[confusion] predicted class 2; expected 0 to 1; give the number of classes that the data has",
        ),
        (
            MeanSquaredError(),
            (np.zeros((4, 2)), np.zeros(4)),
            "[mse] predictions [4, 2], targets [4]; expected one shape; check the number of outputs of the model",
        ),
        (
            Mean(),
            (np.zeros(4), None, np.ones(3)),
            "[mean] weights of shape [3]; expected 4 numbers >= 0, one per example; pass the loader's batch.weight",
        ),
    ],
)
def test_refusals(metric: Any, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(MetricError) as caught:
        metric.update(metric.zero(), *arguments)
    assert str(caught.value) == message
