"""Random changes of pictures: what each does, that nothing else changes, and that draws alone decide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from powertrain.data import Draw
from powertrain.data.order import CHANGES, Cursor
from powertrain.plugin import Inputs
from powertrain_vision.changes import ColourJitter, RandomCrop, RandomErasing, RandomFlip, rectangle
from powertrain_vision.errors import VisionError
from powertrain_vision.mixing import CutMix, Mixup, beta

CLASSES = 4
SHAPES = [(12, 10), (12, 10, 3), (12, 10, 1)]


def draw(call: int = 1) -> Draw:
    return Draw(7, CHANGES, Cursor(0, call))


def batch(shape: tuple[int, ...], dtype: str = "uint8", count: int = 40) -> dict[str, Any]:
    x = np.random.default_rng(0).integers(1, 256, (count, *shape)).astype(dtype)
    return {"x": x, "y": np.arange(count, dtype=np.int64) % CLASSES}


def changed(plugin: Any, fields: dict[str, Any], call: int = 1, task: Any = "classification", **params: Any) -> Any:
    made = plugin.build(plugin.Params(**params), Inputs(task, fields["x"].shape[1:], CLASSES))
    return made.change(fields, draw(call))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("plugin", [RandomCrop, RandomFlip, ColourJitter, RandomErasing, CutMix])
def test_shape_and_dtype_stay_and_nothing_is_written(plugin: Any, shape: tuple[int, ...], dtype: str) -> None:
    fields = batch(shape, dtype)
    before = fields["x"].copy()
    made = changed(plugin, fields)
    assert made["x"].shape == before.shape and made["x"].dtype == before.dtype and made["x"].flags.c_contiguous
    assert (fields["x"] == before).all() and (made["x"] != before).any()
    assert (changed(plugin, fields)["x"] == made["x"]).all() and (changed(plugin, fields, 2)["x"] != made["x"]).any()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_crop_is_the_picture_moved_with_zeros_around(shape: tuple[int, ...]) -> None:
    fields = batch(shape)
    made = changed(RandomCrop, fields, padding=2)["x"]
    moves = set()
    for old, new in zip(fields["x"], made, strict=True):
        found = [
            (down, right)
            for down in range(-2, 3)
            for right in range(-2, 3)
            if (new == np.roll(old, (down, right), axis=(0, 1)))[2:-2, 2:-2].all()
        ]
        assert len(found) == 1
        down = found[0][0]
        moves.add(found[0])
        edge = new[:down] if down > 0 else new[down or len(new) :]
        assert not edge.any()
    assert len(moves) > 10
    mirrored = changed(RandomCrop, fields, padding=2, fill="mirror")["x"]
    assert mirrored.all()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_flip_exchanges_left_and_right_of_some(shape: tuple[int, ...]) -> None:
    fields = batch(shape)
    made = changed(RandomFlip, fields)["x"]
    flipped = [(new == old[:, ::-1]).all() for old, new in zip(fields["x"], made, strict=True)]
    same = [(new == old).all() for old, new in zip(fields["x"], made, strict=True)]
    assert 8 < sum(flipped) < 32 and all(one != other for one, other in zip(flipped, same, strict=True))
    assert all((changed(RandomFlip, fields, share=1.0)["x"] == fields["x"][:, :, ::-1]).ravel())


def test_colours_keep_what_they_should() -> None:
    fields = batch((12, 10, 3), "float32")
    brighter = changed(ColourJitter, fields, brightness=0.5, contrast=0, saturation=0)["x"] / fields["x"]
    assert np.ptp(brighter, axis=(1, 2, 3)).max() < 1e-4 and 0.5 < brighter.min() < 0.8 < 1.2 < brighter.max() < 1.5
    contrast = changed(ColourJitter, fields, brightness=0, contrast=0.5, saturation=0)["x"]
    np.testing.assert_allclose(contrast.mean(axis=(1, 2, 3)), fields["x"].mean(axis=(1, 2, 3)), rtol=1e-4)
    saturated = changed(ColourJitter, fields, brightness=0, contrast=0, saturation=0.5)["x"]
    np.testing.assert_allclose(saturated @ ColourJitter.GREY, fields["x"] @ ColourJitter.GREY, rtol=1e-4)
    assert np.abs(saturated - fields["x"]).max() > 10
    white = {"x": np.full((40, 4, 4, 3), 255, np.uint8), "y": np.zeros(40, np.int64)}
    assert changed(ColourJitter, white, brightness=0.9)["x"].max() == 255


def test_erasing_fills_a_rectangle_with_the_mean() -> None:
    fields = batch((20, 20))
    made = changed(RandomErasing, fields, share=0.5, least=0.1, most=0.2)["x"]
    gone = made != fields["x"]
    erased = gone.any(axis=(1, 2))
    assert 8 < erased.sum() < 32
    for row in np.flatnonzero(erased):
        rows, columns = np.flatnonzero(gone[row].any(axis=1)), np.flatnonzero(gone[row].any(axis=0))
        inside = made[row, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert (inside == round(float(fields["x"][row].mean()))).all() and 0.05 < inside.size / 400 < 0.3


def test_a_rectangle_lies_inside() -> None:
    for place in (0.0, 0.5, 0.999999):
        top, left, height, width = rectangle((9, 7), 0.3, 2.0, place, place)
        assert 0 <= top <= top + height <= 9 and 0 <= left <= left + width <= 7 and height > width
    assert rectangle((9, 7), 1.0, 5.0, 0.9, 0.9)[2] == 9


def test_shares_of_mixing_are_beta() -> None:
    for alpha in (0.2, 1.0):
        made = np.array(beta(alpha, draw(), 4000))
        assert abs(made.mean() - 0.5) < 0.02 and abs(made.var() - 1 / (4 * (2 * alpha + 1))) < 0.01
        assert made.min() >= 0 and made.max() <= 1


def test_mixup_mixes_pictures_and_targets_alike() -> None:
    """Pictures that hold their class as every pixel: the mean of a mixed one is its target's."""
    y = np.arange(40, dtype=np.int64) % CLASSES
    fields = {"x": np.broadcast_to(y[:, None, None].astype(np.uint8), (40, 5, 5)).copy(), "y": y}
    made = changed(Mixup, fields, alpha=1.0)
    assert made["y"].shape == (40, CLASSES) and made["y"].dtype == np.float32
    np.testing.assert_allclose(made["y"].sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(made["x"].mean(axis=(1, 2)), made["y"] @ np.arange(CLASSES), atol=1e-5)
    assert (made["y"].max(axis=1) < 0.9).sum() > 10
    some = changed(Mixup, fields, alpha=1.0, share=0.5)["y"]
    assert 10 < (some.max(axis=1) == 1).sum() < 36
    numbers = changed(Mixup, {"x": fields["x"], "y": y.astype(np.float32)}, task="regression", alpha=1.0)
    np.testing.assert_allclose(numbers["x"].mean(axis=(1, 2)), numbers["y"], atol=1e-5)


def test_cutmix_targets_are_the_areas() -> None:
    y = np.arange(40, dtype=np.int64) % CLASSES
    fields = {"x": np.broadcast_to(y[:, None, None].astype(np.uint8), (40, 16, 16)).copy(), "y": y}
    made = changed(CutMix, fields)
    assert made["x"].dtype == np.uint8
    shares = np.stack([(made["x"] == label).mean(axis=(1, 2)) for label in range(CLASSES)], axis=1)
    np.testing.assert_allclose(made["y"], shares, atol=1e-6)
    assert (shares.max(axis=1) < 1).sum() > 10


def test_mixing_after_mixing_keeps_shares() -> None:
    fields = batch((6, 6))
    both = changed(CutMix, changed(Mixup, fields, alpha=1.0))
    assert both["y"].shape == (40, CLASSES)
    np.testing.assert_allclose(both["y"].sum(axis=1), 1, rtol=1e-5)


def test_what_does_not_fit_is_refused_in_words() -> None:
    with pytest.raises(VisionError, match=r"\[random-crop\] examples of shape \[40\]; expected pictures"):
        RandomCrop.build(RandomCrop.Params(), Inputs("classification", (40,), 10))
    with pytest.raises(VisionError, match=r"\[mixup\] a language task; expected classification or regression"):
        Mixup.build(Mixup.Params(), Inputs("language", (40,), 10))
    with pytest.raises(ValueError, match=r"least = 0.5, most = 0.2; expected least <= most"):
        RandomErasing.Params(least=0.5)
