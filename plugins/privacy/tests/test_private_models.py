"""The network of the paper, and pictures that are too small for it."""

from __future__ import annotations

import pytest

import powertrain as pt
from powertrain.plugin import Inputs, ModelError
from powertrain_privacy.models import TanhCNN


def test_it_has_the_layers_of_the_paper() -> None:
    model = TanhCNN.build(TanhCNN.Params(), Inputs("classification", (28, 28), 10))
    assert [tuple(slot.shape) for slot in model.parameters()] == [
        (8, 8, 1, 16), (16,), (4, 4, 16, 32), (32,), (512, 32), (32,), (32, 10), (10,)
    ]  # fmt: skip
    assert model(pt.ones((3, 28, 28))).shape == (3, 10)


def test_pictures_that_are_too_small_are_refused() -> None:
    with pytest.raises(ModelError) as caught:
        TanhCNN.build(TanhCNN.Params(), Inputs("classification", (15, 28), 10))
    assert str(caught.value) == "[tanh-cnn] images of 15 x 28; expected at least 16 pixels each way; use mlp"
