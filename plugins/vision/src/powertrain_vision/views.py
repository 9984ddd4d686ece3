"""Changed views of a batch of pictures inside a training step, weak and strong; every number is drawn by `t.rng`.

The random transforms of changes.py change a batch once, before the step. A strategy that compares views of one picture
makes them here, where it has the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.plugin import Run, Step, as_images, param
from powertrain_vision.changes import demand_pictures


@dataclass(frozen=True)
class ViewParams:
    """How far views are changed. Flips and shifts are in both kinds, all else in the strong one alone."""

    flip: bool = param(True, doc="exchange left and right in half of the views; not for digits or letters")
    shift: float = param(0.125, low=0, high=0.5, doc="share of the picture by which a view moves, at most")
    turn: float = param(20.0, low=0, high=180, doc="degrees by which a strong view turns, at most")
    zoom: float = param(0.15, low=0, high=2, doc="share by which it is larger or smaller, at most")
    shear: float = param(0.2, low=0, high=1, doc="share of its height by which its upper edge leans, at most")
    contrast: float = param(0.5, low=0, below=1, doc="its contrast is multiplied by 1 - this to 1 + this")
    light: float = param(0.5, low=0, high=4, doc="its pixels move by a share of their deviation, at most this")
    erase: float = param(0.4, low=0, below=1, doc="side of a square that is erased, as a share of the picture")
    crop: float = param(
        1.0, above=0, high=1, doc="least area of the random part that is stretched to the whole picture; 1: no cropping"
    )


@dataclass(frozen=True)
class AveragedParams(ViewParams):
    """Of a strategy whose predictions are made by a slow average of the weights."""

    keep: float = param(0.999, low=0, below=1, doc="share of the average of the weights that a step keeps")
    round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")


def demand_views(name: str, run: Run) -> None:
    """Refuse data that are no pictures."""
    demand_pictures(name, run.dataset.inputs())


def weak(t: Step, x: Any, params: ViewParams) -> Any:
    """Pictures [n, height, width, channels], moved by whole pixels, half of them flipped."""
    return moved(t, as_images(x), params.flip, params.shift)


def strong(t: Step, x: Any, params: ViewParams) -> Any:
    """Cropped, moved, flipped, turned, zoomed and sheared; contrast and light changed; a square erased."""
    x = moved(t, as_images(x), params.flip, params.shift, params.turn, params.zoom, params.shear, params.crop)
    count, height, width, _ = x.shape
    contrast, light, down, right = (pt.reshape(drawn, (count, 1, 1, 1)) for drawn in draws(t, 4, count))
    mean = pt.mean(x, axis=(1, 2, 3), keepdims=True)
    apart = x - mean
    deviation = pt.sqrt(pt.mean(pt.square(apart), axis=(1, 2, 3), keepdims=True))
    x = apart * (1.0 + params.contrast * contrast) + mean + params.light * light * deviation
    if params.erase == 0:
        return x
    rows = pt.abs(along(height, (1, height, 1, 1)) - down) < params.erase
    columns = pt.abs(along(width, (1, 1, width, 1)) - right) < params.erase
    return pt.where(pt.logical_and(rows, columns), mean, x)


def draws(t: Step, numbers: int, count: int) -> list[Any]:
    """So many random numbers from -1 to 1 for each picture, [count] each."""
    drawn = t.rng.uniform(-1.0, 1.0, size=(numbers, count))
    return [drawn[at] for at in range(numbers)]


def along(size: int, shape: tuple[int, ...]) -> Any:
    """The middles of the pixels of an axis, from -1 to 1."""
    return pt.reshape((2.0 * pt.arange(size, dtype="float32") + 1.0) / size - 1.0, shape)


def moved(
    t: Step, x: Any, flip: bool, shift: float, turn: float = 0.0, zoom: float = 0.0, shear: float = 0.0, crop: float = 1
) -> Any:
    """Each picture read anew under an affine map of its own; beyond its edges it is mirrored."""
    count, height, width, _ = x.shape
    right, down, angle, size, lean, side = draws(t, 6, count)
    angle, size, lean = angle * math.radians(turn), pt.exp(size * math.log1p(zoom)), lean * shear
    mirrored = pt.where(side < 0, -1.0, 1.0) if flip else pt.ones((count,))
    cos, sin = pt.cos(angle) * size, pt.sin(angle) * size
    # A place is from -1 to 1 on both axes, which is not the same length where a picture is no square.
    aspect = height / width
    to_x = [cos * mirrored, (lean * cos - sin) * aspect, pt.round(right * (shift * width)) * (2 / width)]
    to_y = [sin * mirrored / aspect, lean * sin + cos, pt.round(down * (shift * height)) * (2 / height)]
    if crop < 1:
        to_x, to_y = within(cropped(t, count, crop), to_x, to_y)
    theta = pt.stack([pt.stack(to_x, axis=1), pt.stack(to_y, axis=1)], axis=1)
    whole_pixels = turn == zoom == shear == 0 and crop == 1
    grid = F.affine_grid(theta, (height, width))
    return F.grid_sample(x, grid, mode="nearest" if whole_pixels else "bilinear", padding_mode="reflection")


def cropped(t: Step, count: int, least: float) -> tuple[Any, ...]:
    """A part of each picture, of at least this share of its area and 3/4 to 4/3 times as wide as high: its width and
    height, as shares of the picture, and the place of its middle."""
    area, form, right, down = draws(t, 4, count)
    area, form = (1 + least) / 2 + area * ((1 - least) / 2), pt.exp(form * (math.log(4 / 3) / 2))
    # A part that would be wider or higher than the picture has the form that keeps its area.
    wide, high = (pt.clip(pt.sqrt(area) * side, area, 1.0) for side in (form, 1 / form))
    return wide, high, right * (1 - wide), down * (1 - high)


def within(part: tuple[Any, ...], *rows: list[Any]) -> tuple[list[Any], ...]:
    """The rows of an affine map, applied to a part of the picture."""
    wide, high, right, down = part
    return tuple([x * wide, y * high, at + x * right + y * down] for x, y, at in rows)
