"""Settings of metrics that are given in a script."""

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
