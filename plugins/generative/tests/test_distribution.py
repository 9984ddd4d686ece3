"""The whole distribution: what its plugins promise, and networks that say what does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

import powertrain as pt
from powertrain.plugin import Inputs, ModelError
from powertrain.plugin.testing import powertrain
from powertrain_generative.networks import PictureDecoder, PictureEncoder


def test_every_plugin_keeps_its_promises(tmp_path: Path) -> None:
    powertrain("plugins", "check", "powertrain-generative", "--seconds", "300", folder=tmp_path)


def test_pictures_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ModelError) as caught:
        PictureDecoder.build(PictureDecoder.Params(), Inputs("regression", (8,), 300))
    assert str(caught.value) == (
        "[picture-decoder] 300 outputs of 1 colours; expected those of a square picture whose side is a multiple of 4, "
        "since each of 2 stages doubles it; use mlp, or give other channels"
    )
    with pytest.raises(ModelError, match="pictures of 2 x 8 for 2 convolutions; expected at least 4 pixels each way"):
        PictureEncoder.build(PictureEncoder.Params(), Inputs("regression", (2, 8), 3))


def test_two_planes_stand_one_behind_the_other() -> None:
    """The middles of all pixels, then the widths, as a distribution of levels reads them."""
    model = PictureDecoder(3, 2 * 64, PictureDecoder.Params(channels=(4,)))
    made = model(pt.ones((2, 3))).numpy()
    model.last.weight.value = model.last.weight.value * pt.tensor([1.0, 0.0])
    model.last.bias.value = model.last.bias.value * pt.tensor([1.0, 0.0])
    assert made.shape == (2, 128)
    cut = model(pt.ones((2, 3))).numpy()
    assert (cut[:, :64] == made[:, :64]).all() and (cut[:, 64:] == 0).all()
