"""Codes that are maps: their forms, their gradients, refusals; and a U-Net that is told more than a class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import Inputs, ModelError
from powertrain_generative.maps import MapDecoder, MapEncoder
from powertrain_generative.unet import UNet


def test_a_picture_becomes_a_map_and_a_map_a_picture() -> None:
    encoder = MapEncoder.build(MapEncoder.Params(channels=(4, 8)), Inputs("regression", (16, 8, 3), 24))
    decoder = MapDecoder.build(MapDecoder.Params(channels=(8, 4)), Inputs("regression", (4, 2, 3), 384))
    code = encoder(pt.ones((5, 16, 8, 3)))
    assert code.shape == (5, 24) and decoder(pt.reshape(code, (5, 4, 2, 3))).shape == (5, 384)


def test_a_place_of_the_map_is_that_of_the_picture() -> None:
    """Pixels far away change nothing, on the way there and on the way back."""
    rng = np.random.default_rng(0)
    encoder = MapEncoder((32, 32, 1), 64, MapEncoder.Params(channels=(4, 4)))
    decoder = MapDecoder((8, 8, 1), 1024, MapDecoder.Params(channels=(4, 4)))
    x, code = rng.random((1, 32, 32, 1)).astype("f"), rng.random((1, 8, 8, 1)).astype("f")
    for model, given, side in ((encoder, x, 8), (decoder, code, 32)):
        other = given.copy()
        other[:, -1, -1] += 1
        apart = np.abs(model(pt.asarray(other)).numpy() - model(pt.asarray(given)).numpy()).reshape(side, side)
        assert apart[-1, -1] > 0 and (apart[: side // 2, : side // 2] == 0).all()


@pytest.mark.parametrize("made", ["encoder", "decoder", "unet"])
def test_gradients_are_those_of_differences(made: str) -> None:
    rng = np.random.default_rng(0)
    shape: tuple[int, ...] = (2, 4, 4, 3)
    model: Any = MapEncoder((4, 4, 3), 8, MapEncoder.Params(channels=(4,)))
    if made == "decoder":
        model = MapDecoder((4, 4, 3), 64, MapDecoder.Params(channels=(4,)))
    if made == "unet":
        unet, shape = UNet((4, 4, 1), params=UNet.Params(widths=(4,), condition=3)), (2, 3)
        x, when = pt.asarray(rng.normal(size=(2, 4, 4)).astype("f")), pt.full((2,), 0.3)

        def model(said: Any) -> Any:
            return unet(x, when, said=said)

    at, way = (rng.normal(size=shape).astype("f") for _ in range(2))
    weight = rng.normal(size=model(pt.asarray(at)).shape).astype("f")

    def value(given: Any) -> Any:
        return pt.sum(model(given) * pt.asarray(weight))

    step = 1e-2
    wanted = (value(pt.asarray(at + step * way)).item() - value(pt.asarray(at - step * way)).item()) / (2 * step)
    found = float((pt.grad(value)(pt.asarray(at)).numpy() * way).sum())
    assert abs(found) > 1e-3 and found == pytest.approx(wanted, rel=1e-2)


def test_a_network_is_told_more_than_a_class() -> None:
    model, x, when = UNet((8, 8, 1), params=UNet.Params(widths=(4, 8), condition=6)), pt.ones((3, 8, 8)), pt.zeros((3,))
    plain = model(x, when).numpy()
    assert model.condition == 6 and (model(x, when, said=pt.zeros((3, 6))).numpy() == plain).all()
    said = np.zeros((3, 6), "f")
    said[1, 2] = 1
    told = model(x, when, said=pt.asarray(said)).numpy()
    assert (told[1] != plain[1]).any() and (told[[0, 2]] == plain[[0, 2]]).all()


@pytest.mark.parametrize(
    ("model", "shape", "outputs", "said"),
    [
        (MapEncoder, (30, 32, 3), 256,
         "[map-encoder] pictures of 30 x 32 for 2 convolutions; expected a multiple of 4 pixels each way, since each "
         "halves them; give fewer channels"),
        (MapEncoder, (32, 32, 3), 100,
         "[map-encoder] 100 outputs for a map of 8 x 8; expected a multiple of its 64 places; ask for a code of that "
         "size, or give other channels"),
        (MapDecoder, (4, 4, 2), 3072 // 2,
         "[map-decoder] 1,536 outputs of a map of 4 x 4, which 3 stages make 32 x 32; expected a multiple of 1,024 "
         "pixels; give as many channels as the encoder has"),
    ],
)  # fmt: skip
def test_codes_of_another_size_are_refused(model: Any, shape: tuple[int, ...], outputs: int, said: str) -> None:
    params = model.Params(channels=(8, 8, 8)) if model is MapDecoder else model.Params()
    with pytest.raises(ModelError) as caught:
        model.build(params, Inputs("regression", shape, outputs))
    assert str(caught.value) == said
