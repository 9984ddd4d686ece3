"""RandAugment: each kind of change beside Pillow's, and what the plugin makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from powertrain.data import Draw
from powertrain.data.order import CHANGES, Cursor
from powertrain.plugin import Inputs
from powertrain_vision import pixel_ops
from powertrain_vision.errors import VisionError
from powertrain_vision.rand_augment import KINDS, RandAugment

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
from PIL import ImageEnhance, ImageOps  # noqa: E402  (Pillow is there)

FACTORS = (0.1, 0.73, 1.0, 1.9)


def pictures(channels: int = 3, kind: str = "noise", count: int = 6, size: tuple[int, int] = (17, 12)) -> Any:
    draw = np.random.default_rng(3)
    if kind == "flat":
        return np.full((count, *size, channels), 77, np.uint8)
    low, high = (90, 140) if kind == "dull" else (0, 256)
    x = draw.integers(low, high, (count, *size, channels)).astype(np.uint8)
    x[0, :3] = x[0, 0, 0]
    return x


def pillow(x: Any, change: Callable[[Any, float], Any], numbers: Any) -> Any:
    made = []
    for one, number in zip(x, numbers, strict=True):
        image = Image.fromarray(one[..., 0] if one.shape[-1] == 1 else one)
        made.append(np.asarray(change(image, number)).reshape(one.shape))
    return np.stack(made)


def affine(*coefficients: Callable[[float], float]) -> Callable[[Any, float], Any]:
    return lambda image, v: image.transform(
        image.size, Image.Transform.AFFINE, [one(v) for one in coefficients], Image.Resampling.NEAREST
    )


ONE, NONE, V = (lambda v: 1.0), (lambda v: 0.0), (lambda v: v)
CASES: dict[str, tuple[Callable[[Any, float], Any], tuple[float, ...]]] = {
    "brightness": (lambda image, v: ImageEnhance.Brightness(image).enhance(v), FACTORS),
    "contrast": (lambda image, v: ImageEnhance.Contrast(image).enhance(v), FACTORS),
    "colour": (lambda image, v: ImageEnhance.Color(image).enhance(v), FACTORS),
    "sharpness": (lambda image, v: ImageEnhance.Sharpness(image).enhance(v), FACTORS),
    "posterize": (lambda image, v: ImageOps.posterize(image, int(v)), (4.0, 6.0, 8.0)),
    "solarize": (lambda image, v: ImageOps.solarize(image, v), (0.0, 100.5, 128.0, 255.0)),
    "autocontrast": (lambda image, v: ImageOps.autocontrast(image), (0.0,)),
    "equalize": (lambda image, v: ImageOps.equalize(image), (0.0,)),
    "shear_x": (affine(ONE, V, NONE, NONE, ONE, NONE), (-0.3, 0.0, 0.17)),
    "shear_y": (affine(ONE, NONE, NONE, V, ONE, NONE), (-0.3, 0.0, 0.17)),
    "translate_x": (affine(ONE, NONE, V, NONE, ONE, NONE), (-5.0, 0.0, 3.0)),
    "translate_y": (affine(ONE, NONE, NONE, NONE, ONE, V), (-5.0, 0.0, 3.0)),
}


@pytest.mark.parametrize("kind", ["noise", "dull", "flat"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CASES)
def test_a_change_is_that_of_pillow(name: str, channels: int, kind: str) -> None:
    change, numbers = CASES[name]
    for number in numbers:
        x = pictures(channels, kind)
        before = x.copy()
        ours = getattr(pixel_ops, name)(x, np.full(len(x), number))
        theirs = pillow(x, change, [number] * len(x))
        assert ours.dtype == np.uint8 and (x == before).all()
        # Factors are float32 there too, but the order of its sums is its own: the last digit may differ.
        apart = np.abs(ours.astype(int) - theirs.astype(int))
        assert apart.max() <= (1 if name in ("brightness", "contrast", "colour", "sharpness") else 0), (
            number,
            apart.max(),
        )
        assert (apart > 0).mean() < 0.05


@pytest.mark.parametrize("degrees", [-30.0, -7.5, 0.0, 12.3, 30.0])
def test_a_turn_is_that_of_pillow(degrees: float) -> None:
    x = pictures(3)
    ours = pixel_ops.rotate(x, np.full(len(x), degrees))
    theirs = pillow(x, lambda image, v: image.rotate(v, Image.Resampling.NEAREST), [degrees] * len(x))
    # Pillow rounds the map to 15 digits: places on an edge between two pixels may be read from the other one.
    assert (ours != theirs).any(axis=-1).mean() < 0.01


def changed(x: Any, call: int = 1, **params: Any) -> Any:
    inputs = Inputs("classification", x.shape[1:], 4, dtype=str(x.dtype))
    made = RandAugment.build(RandAugment.Params(**params), inputs)
    return made.change({"x": x}, Draw(7, CHANGES, Cursor(0, call)))["x"]


@pytest.mark.parametrize("shape", [(16, 12), (16, 12, 1), (16, 12, 3), (2, 1, 3)])
def test_shape_and_dtype_stay_and_draws_alone_decide(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).integers(0, 256, (60, *shape)).astype(np.uint8)
    before, made = x.copy(), changed(x)
    assert made.shape == x.shape and made.dtype == np.uint8 and made.flags.c_contiguous and (x == before).all()
    assert (changed(x) == made).all() and (changed(x, 2) != made).any() and (made != x).any()
    shares = changed(x.astype(np.float32) / np.float32(255))
    assert shares.dtype == np.float32
    np.testing.assert_array_equal(np.rint(shares * 255).astype(np.uint8), made)


def test_each_picture_gets_the_change_that_was_drawn_for_it() -> None:
    """With one change a picture, each result is that of a kind at the strength asked for, and all kinds occur."""
    x = np.random.default_rng(0).integers(0, 256, (300, 16, 12, 3)).astype(np.uint8)
    made, found = changed(x, num_ops=1, magnitude=15.0), set()
    for one, new in zip(x, made, strict=True):
        fitting = [
            name
            for name, kind in KINDS.items()
            for sign in (-1.0, 1.0)
            if (kind.change(one[None], np.array([kind.around + sign * kind.strength(0.5, (16, 12))]))[0] == new).all()
        ]
        assert fitting
        found |= set(fitting)
    assert found == set(KINDS)


def test_a_larger_magnitude_changes_more() -> None:
    x = pictures(3, count=200)
    apart = [np.abs(changed(x, magnitude=m).astype(int) - x.astype(int)).mean() for m in (0.0, 6.0, 28.0)]
    assert apart[0] < apart[1] < apart[2]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 4, 4, 2), np.uint8), "pixels of uint8 in 2 channels; expected uint8, or float32 from 0 to 1"),
        (np.zeros((2, 4, 4), np.int64), "pixels of int64 in 1 channels; expected uint8, or float32 from 0 to 1"),
        (np.full((2, 4, 4), 1.5, np.float32), "pixels from 1.5 to 1.5; expected bytes, or numbers from 0 to 1"),
        (np.full((2, 4, 4), np.nan, np.float32), "pixels from nan to nan; expected bytes, or numbers from 0 to 1"),
        (np.zeros((2, 4), np.float32), "expected pictures [height, width]"),
    ],
)
def test_what_it_cannot_change_is_refused_in_words(x: Any, message: str) -> None:
    with pytest.raises(VisionError) as caught:
        changed(x)
    assert message in str(caught.value)
