"""Changes of pictures by a strength of their own, on batches of bytes [n, height, width, channels]: those of Pillow.

Each function takes the pictures and one number for each. `tests/test_rand_augment.py` compares them with Pillow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

RED, GREEN, BLUE = 19595, 38470, 7471  # weights of ITU-R BT.601 in 65,536ths, as Pillow has them
Pictures = Any  # NumPy, uint8 [n, height, width, channels]
Strengths = Any  # NumPy, float64 [n]


def grey(x: Pictures) -> Pictures:
    """The brightness of each pixel [n, height, width, 1]."""
    if x.shape[-1] != 3:
        return x[..., :1]
    weights = np.array([RED, GREEN, BLUE], np.int64)
    return ((x.astype(np.int64) @ weights + 0x8000) >> 16).astype(np.uint8)[..., None]


def blended(base: Any, x: Pictures, factors: Strengths) -> Pictures:
    """From `base` (factor 0) over the picture (factor 1) and beyond it."""
    start = base.astype(np.float32)
    out = start + factors.astype(np.float32).reshape(-1, 1, 1, 1) * (x.astype(np.float32) - start)
    return np.clip(out, 0, 255).astype(np.uint8)


def brightness(x: Pictures, factors: Strengths) -> Pictures:
    return blended(np.zeros_like(x), x, factors)


def contrast(x: Pictures, factors: Strengths) -> Pictures:
    """Around the mean brightness of the picture."""
    mean = np.floor(grey(x).mean(axis=(1, 2, 3), dtype=np.float64) + 0.5)
    return blended(mean.reshape(-1, 1, 1, 1), x, factors)


def colour(x: Pictures, factors: Strengths) -> Pictures:
    """Around the grey of each pixel."""
    return blended(grey(x), x, factors)


def sharpness(x: Pictures, factors: Strengths) -> Pictures:
    """Around a picture in which each pixel is mixed with its eight neighbours; the edge stays as it is."""
    base = x.astype(np.float64)
    if min(x.shape[1:3]) >= 3:
        height, width = x.shape[1] - 2, x.shape[2] - 2
        around = sum(base[:, down : down + height, right : right + width] for down in range(3) for right in range(3))
        base[:, 1:-1, 1:-1] = np.floor((around + 4 * base[:, 1:-1, 1:-1]) / 13 + 0.5)
    return blended(base, x, factors)


def posterize(x: Pictures, bits: Strengths) -> Pictures:
    """The highest bits of each number alone."""
    masks = 256 - 2.0 ** (8 - bits)
    return x & masks.astype(np.uint8).reshape(-1, 1, 1, 1)


def solarize(x: Pictures, thresholds: Strengths) -> Pictures:
    """Numbers from a threshold on are turned around."""
    return np.where(x < thresholds.reshape(-1, 1, 1, 1), x, 255 - x)


def through_tables(x: Pictures, tables: Any) -> Pictures:
    """Each number by the table [n, channels, 256] of its picture and channel."""
    count, _, _, channels = x.shape
    return tables[np.arange(count).reshape(-1, 1, 1, 1), np.arange(channels), x]


def autocontrast(x: Pictures, _: Strengths) -> Pictures:
    """Each channel stretched to 0 to 255."""
    low, high = (extreme(x, axis=(1, 2))[..., None].astype(np.float64) for extreme in (np.min, np.max))
    scale = 255.0 / np.where(high > low, high - low, 1.0)
    levels = np.arange(256.0)
    tables = np.where(high > low, np.trunc(levels * scale - low * scale), levels)
    return through_tables(x, np.clip(tables, 0, 255).astype(np.uint8))


def equalize(x: Pictures, _: Strengths) -> Pictures:
    """Each channel with all its numbers about equally often."""
    count, height, width, channels = x.shape
    places = np.arange(count * channels).reshape(count, 1, 1, channels) * 256 + x
    counts = np.bincount(places.ravel(), minlength=count * channels * 256).reshape(count, channels, 256)
    last = np.take_along_axis(counts, x.max(axis=(1, 2))[..., None].astype(np.int64), axis=2)
    step = (height * width - last) // 255
    before = np.cumsum(counts, axis=2) - counts
    tables = np.where(step > 0, (step // 2 + before) // np.maximum(step, 1), np.arange(256))
    return through_tables(x, np.clip(tables, 0, 255).astype(np.uint8))


def read_anew(x: Pictures, maps: Any) -> Pictures:
    """Each picture by an affine map of its own [n, 2, 3], from places to those that are read; 0 outside."""
    count, height, width = x.shape[:3]
    down, right = np.mgrid[:height, :width] + 0.5
    places = np.stack([right.ravel(), down.ravel(), np.ones(height * width)])
    read = np.floor(maps @ places).astype(np.int64)  # [n, 2, height * width]
    inside = (read >= 0).all(axis=1) & (read[:, 0] < width) & (read[:, 1] < height)
    flat = np.where(inside, read[:, 1] * width + read[:, 0], 0)
    found = np.take_along_axis(x.reshape(count, height * width, -1), flat[..., None], axis=1)
    return (found * inside[..., None]).astype(np.uint8).reshape(x.shape)


def _maps(count: int) -> Any:
    return np.broadcast_to(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), (count, 2, 3)).copy()


def _moved(row: int, column: int) -> Callable[[Pictures, Strengths], Pictures]:
    def change(x: Pictures, numbers: Strengths) -> Pictures:
        maps = _maps(len(x))
        maps[:, row, column] = numbers
        return read_anew(x, maps)

    return change


shear_x, shear_y = _moved(0, 1), _moved(1, 0)  # pixels for each pixel of the other axis
translate_x, translate_y = _moved(0, 2), _moved(1, 2)  # pixels


def rotate(x: Pictures, degrees: Strengths) -> Pictures:
    """Around the middle, against the clock."""
    middle = np.array([x.shape[2] / 2, x.shape[1] / 2])
    turns = [-math.radians(angle) for angle in degrees.tolist()]
    maps = np.empty((len(x), 2, 3))
    maps[:, :, :2] = [[[math.cos(t), math.sin(t)], [-math.sin(t), math.cos(t)]] for t in turns]
    maps[:, :, 2] = middle - maps[:, :, :2] @ middle
    return read_anew(x, maps)
