"""Examples as pictures in a report."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest

from powertrain.train.report.pictures import MOST_PIXELS, pictures, png

SHAPES = [(3, 5), (3, 5, 1), (3, 5, 3), (1, 1), (MOST_PIXELS * 2 + 1, 7, 3), (2, MOST_PIXELS * 3)]


def shown(markup: str) -> list[bytes]:
    return [base64.b64decode(data) for data in re.findall(r"base64,([\w+/=]+)", markup)]


def test_a_picture_is_a_png_file() -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    pixels = np.arange(3 * 5 * 3, dtype=np.uint8).reshape(3, 5, 3)
    for one in (pixels, pixels[..., 0]):
        assert (np.asarray(image.open(io.BytesIO(png(one)))) == one).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_pictures_of_any_form_are_shown_from_black_to_white(shape: tuple[int, ...]) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    pixels = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    for data in shown(pictures(pixels, ["a", "b"], "an example")):
        seen = np.asarray(image.open(io.BytesIO(data)))
        assert max(seen.shape[:2]) <= MOST_PIXELS
        assert seen.size == 1 or (seen.min(), seen.max()) == (0, 255)


def test_a_large_picture_is_shown_by_the_means_of_its_blocks() -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    pixels = np.zeros((1, 2 * MOST_PIXELS, 2 * MOST_PIXELS))
    pixels[0, :2, :2] = 4  # one block
    pixels[0, 2, 0] = 4  # a quarter of one
    (data,) = shown(pictures(pixels, ["a"], "an example"))
    seen = np.asarray(image.open(io.BytesIO(data)))
    assert seen.shape == (MOST_PIXELS, MOST_PIXELS) and seen[:3, 0].tolist() == [255, 64, 0]


@pytest.mark.filterwarnings("error")
def test_pixels_that_are_no_numbers_are_shown_black() -> None:
    assert len(shown(pictures(np.array([[[np.nan, 1.0], [np.inf, 0.5]]]), ["a"], "an example"))) == 1


def test_titles_and_names_of_files_are_text() -> None:
    markup = pictures(np.zeros((1, 2, 2)), ["<b>"], "an example", ["cats/<script>.png"])
    assert "<figcaption>&lt;b&gt;<br>cats/&lt;script&gt;.png</figcaption>" in markup
