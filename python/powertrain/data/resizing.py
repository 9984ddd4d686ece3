"""Pictures of another size, by Pillow: a bilinear or bicubic filter as wide as a pixel of the smaller picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from powertrain.data.drawing import current
from powertrain.data.errors import DataError
from powertrain.data.image_transforms import Changing, picture_of, size_of, whole_number
from powertrain.data.pictures import pillow

if TYPE_CHECKING:
    from powertrain.typing import Array, PictureLike

FILTERS = ("nearest", "bilinear", "bicubic", "lanczos")
Box = tuple[float, float, float, float]  # left, top, right, bottom


class Resize(Changing):
    """A picture in `size`, (height, width); or one whose shorter side has `size` pixels, in the same form.

    interpolation   "nearest", "bilinear", "bicubic" or "lanczos"

    >>> Resize((2, 4))(np.zeros((8, 8, 3), np.uint8)).shape  # doctest: +SKIP
    (2, 4, 3)
    """

    def __init__(self, size: int | Sequence[int], interpolation: str = "bilinear") -> None:
        sides = size_of(size, "Resize")
        self.size = sides[0] if whole_number(size) else sides
        self.interpolation = _filter(interpolation, "Resize")

    def _changed(self, x: PictureLike) -> Array:
        height, width = picture_of(x, "Resize").shape[:2]
        if isinstance(self.size, tuple):
            size = self.size
        else:
            scale = self.size / min(height, width)
            size = (max(1, int(height * scale + 1e-9)), max(1, int(width * scale + 1e-9)))
        return _resized(x, size, (0, 0, width, height), self.interpolation, "Resize")


class CenterResizedCrop(Changing):
    """The middle of a picture in `size`: all of its shorter side, and what is too long is cut off evenly at both ends.

    The data set `image-folder` of a recipe makes its pictures so.

    Example
        >>> pt.data.transforms.CenterResizedCrop((4, 8))(np.ones((8, 8, 3), np.float32)).shape
        (4, 8, 3)
    """

    def __init__(self, size: int | Sequence[int], interpolation: str = "bilinear") -> None:
        self.size = size_of(size, "CenterResizedCrop")
        self.interpolation = _filter(interpolation, "CenterResizedCrop")

    def _changed(self, x: PictureLike) -> Array:
        where = "CenterResizedCrop"
        tall, wide = (x.height, x.width) if _of_pillow(x) else picture_of(x, where).shape[:2]
        height, width = self.size
        scale = max(height / tall, width / wide)
        # No wider than the picture: width / (width / 49) is more than 49.
        across, down = min(width / scale, wide), min(height / scale, tall)
        left, top = (wide - across) / 2, (tall - down) / 2
        box = (left, top, left + across, top + down)
        return _resized(x, self.size, box, self.interpolation, where, reducing_gap=3.0)


class RandomResizedCrop(Changing):
    """A part of a picture in `size`: of a share of its area from `scale`, whose width over height is from `ratio`.

    Example
        >>> pt.data.transforms.RandomResizedCrop(4)(np.ones((8, 8, 3), np.float32)).shape
        (4, 4, 3)
    """

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3 / 4, 4 / 3),
        interpolation: str = "bilinear",
    ) -> None:
        self.size = size_of(size, "RandomResizedCrop")
        for name, span in (("scale", scale), ("ratio", ratio)):
            if len(span) != 2 or not 0 < span[0] <= span[1] or (name == "scale" and span[1] > 1):
                raise DataError(
                    "RandomResizedCrop", f"{name} = {span!r}", "expected two numbers above 0, the smaller one first",
                    "scale=(0.08, 1.0) and ratio=(3/4, 4/3) are usual",
                )  # fmt: skip
        self.scale, self.ratio = tuple(scale), tuple(ratio)
        self.interpolation = _filter(interpolation, "RandomResizedCrop")

    def _changed(self, x: PictureLike) -> Array:
        height, width = picture_of(x, "RandomResizedCrop").shape[:2]
        return _resized(x, self.size, self._part(height, width), self.interpolation, "RandomResizedCrop")

    def _part(self, height: int, width: int) -> Box:
        chances = current().uniform((10, 4))
        low, high = map(math.log, self.ratio)
        for area, form, down, right in chances.tolist():
            pixels = height * width * (self.scale[0] + area * (self.scale[1] - self.scale[0]))
            ratio = math.exp(low + form * (high - low))
            wide, tall = round(math.sqrt(pixels * ratio)), round(math.sqrt(pixels / ratio))
            if 0 < wide <= width and 0 < tall <= height:
                left, top = int(right * (width - wide + 1)), int(down * (height - tall + 1))
                return left, top, left + wide, top + tall
        # None of ten fits: the middle, in the nearest form.
        wide = min(width, max(1, round(height * self.ratio[1])))
        tall = min(height, max(1, round(width / self.ratio[0])))
        left, top = (width - wide) // 2, (height - tall) // 2
        return left, top, left + wide, top + tall


def _filter(name: Any, where: str) -> str:
    given = str(getattr(name, "value", name))  # torchvision's InterpolationMode too
    if given not in FILTERS:
        raise DataError(
            where, f"interpolation = {given!r}", f"expected one of {', '.join(FILTERS)}", "bilinear is usual"
        )
    return given


def _of_pillow(x: Any) -> TypeGuard[Any]:
    return hasattr(x, "resize") and hasattr(x, "getbands")


def _resized(
    x: Any, size: tuple[int, int], box: Box, interpolation: str, where: str, reducing_gap: float | None = None
) -> Array:
    """A part of a picture in another size; with a gap, one many times as large is first reduced by whole numbers."""
    image = pillow(where)
    how = getattr(image.Resampling, interpolation.upper())

    def resized(picture: Any) -> Array:
        return np.asarray(picture.resize((size[1], size[0]), how, box=box, reducing_gap=reducing_gap))

    if _of_pillow(x):  # one of a palette has no colours in between
        return resized(x.convert("RGB") if x.mode in ("P", "1") else x)
    picture = picture_of(x, where)
    if picture.dtype != np.uint8:
        picture = picture.astype(np.float32)
    if picture.ndim == 2:
        return resized(image.fromarray(picture))
    return np.stack([resized(image.fromarray(picture[..., at].copy())) for at in range(picture.shape[-1])], axis=-1)
