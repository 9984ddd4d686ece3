"""What a report says of a loss curve."""

from __future__ import annotations

import pytest

from powertrain.train.evaluate.curve_words import curves_in_words

FALLING = [(step, 10.0 - step / 100) for step in range(0, 900, 100)]
SETTLED = [(step, 1.0 + 9.0 * 0.1 ** (step / 100)) for step in range(0, 900, 100)]
RISING = [*SETTLED, (900, 3.0), (1000, 5.0)]


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (FALLING, "The valid loss was still falling, from 4 to 2 in the last quarter: train longer (run.until)."),
        (SETTLED, "The valid loss has settled: it fell from 10 to 1, and by 8.91e-06 in the last quarter."),
        (RISING, "The valid loss was lowest at step 800 (1) and rose to 5; run.stop would keep the weights of "
         'that step: add stop = { watch = "valid.loss" } to run.'),
        ([(step, 1.0 + step) for step in range(9)],
         "The valid loss never fell below its first value, 1: lower the rate (optimizer.lr)."),
    ],
)  # fmt: skip
def test_a_loss_curve_is_read_in_words(points: list[tuple[int, float]], words: str) -> None:
    assert curves_in_words({"valid": points}, False) == [words]


def test_what_a_curve_says_depends_on_its_form_alone() -> None:
    kinds = ("was still falling", "has settled", "was lowest at step 800")
    for points, kind in zip((FALLING, SETTLED, RISING), kinds, strict=True):
        for scale, shift in ((1e-6, 0.0), (1e6, -1e9)):  # a loss may be below zero
            scaled = [(step, scale * value + shift) for step, value in points]
            assert kind in curves_in_words({"train": scaled}, False)[0]


def test_a_run_that_keeps_its_best_weights_is_not_told_to() -> None:
    said = ["The valid loss was lowest at step 800 (1) and rose to 5."]
    assert curves_in_words({"valid": RISING}, True) == said and curves_in_words({"valid": RISING[-7:]}, False) == []


def test_nobody_is_told_to_train_longer_whose_valid_loss_rises() -> None:
    train, _ = curves_in_words({"train": FALLING, "valid": RISING}, False)
    assert train == "The train loss was still falling, from 4 to 2 in the last quarter."
    assert "train longer" in curves_in_words({"train": FALLING, "valid": SETTLED}, False)[0]
