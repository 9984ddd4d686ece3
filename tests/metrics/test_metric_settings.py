"""Settings of metrics that are given in a script."""

import inspect

import numpy as np
import pytest

import powertrain as pt


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: pt.metrics.ConfusionMatrix(3),  # type: ignore[call-arg]
            "[ConfusionMatrix] received 3; expected settings by name; write ConfusionMatrix(num_classes=3)",
        ),
        (
            lambda: pt.metrics.MeanSquaredError("mean"),  # type: ignore[call-arg]
            '[MeanSquaredError] received "mean"; expected no settings; write MeanSquaredError()',
        ),
    ],
)
def test_a_setting_by_position_is_refused_when_it_is_given(make: object, said: str) -> None:
    with pytest.raises(pt.Error) as caught:
        make()  # type: ignore[operator]
    assert str(caught.value) == said


def test_a_metric_shows_its_settings() -> None:
    """In help() and editors; a constructor of one's own shows its own arguments."""
    shown = inspect.signature(pt.metrics.ConfusionMatrix).parameters
    assert [(p.name, p.default, p.kind) for p in shown.values()] == [("num_classes", 2, inspect.Parameter.KEYWORD_ONLY)]
    assert not inspect.signature(pt.metrics.Accuracy).parameters
    assert list(inspect.signature(pt.metrics.BLEU).parameters) == ["tokenize", "lowercase"]

    class Own(pt.metrics.Accuracy):
        def __init__(self, cut: float) -> None:
            super().__init__()
            self._cut = cut

    assert list(inspect.signature(Own).parameters) == ["cut"]


def test_counts_are_whole_numbers() -> None:
    metric = pt.metrics.ConfusionMatrix(num_classes=2)
    assert metric.matrix.dtype == np.int64
    metric.update(np.array([0, 1, 1]), np.array([0, 1, 0]))
    assert (metric.matrix.dtype, metric.matrix.tolist()) == (np.int64, [[1, 1], [0, 1]])
    metric.update(np.array([0]), np.array([0]), np.array([0.5]))
    assert metric.matrix.tolist() == [[1.5, 1.0], [0.0, 1.0]]


def test_a_state_that_zero_does_not_fit_is_told_with_zero() -> None:
    class PerClass(pt.plugin.Metric):
        def measure(self, prediction: object, target: object, weight: object = None) -> object:
            return np.ones((2, 4))

    with pytest.raises(pt.Error) as caught:
        PerClass().update(np.ones((3, 4)), np.arange(3))
    assert str(caught.value) == (
        "[PerClass] states of [2] and [2, 4]; expected one shape; define zero(), which gives the state of no examples: "
        "by default two numbers"
    )
