"""Transforms of one picture, for the `__getitem__` of a data set: the names are those of torchvision.

A picture is [height, width] or [height, width, channels], channels last, as an array, as a tensor or as Pillow has it;
each gives an array, and of a tensor a tensor. Random ones draw by (seed, epoch, index) of the example, see drawing.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast, overload

import numpy as np

from powertrain import _core
from powertrain._core import Tensor
from powertrain.data.drawing import current
from powertrain.data.errors import DataError
from powertrain.errors.methods import missing

if TYPE_CHECKING:
    from powertrain.typing import Array, PictureLike


# A transform of a picture: a function of an array, of one of Pillow, or of either.
Change: TypeAlias = "Callable[..., PictureLike]"


class Changing:
    """A transform that gives an array, and of a tensor a tensor."""

    @overload
    def __call__(self, x: Tensor) -> Tensor: ...  # type: ignore[overload-overlap]  # the first that fits
    @overload
    def __call__(self, x: PictureLike) -> Array: ...
    def __call__(self, x: PictureLike) -> Array | Tensor:
        made = self._changed(x)
        return _core.asarray(made) if type(x) is Tensor else made

    def _changed(self, x: PictureLike) -> Array:
        raise missing(self, "_changed")


class Compose:
    """One transform after the other.

    >>> change = Compose([ToTensor(), Normalize(0.5, 0.5)])
    >>> change(np.array([[0, 255]], np.uint8)).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(self, transforms: Sequence[Change]) -> None:
        self.transforms = list(transforms)
        for at, transform in enumerate(self.transforms):
            if not callable(transform) or isinstance(transform, type):
                what = f"the class {transform.__name__}" if isinstance(transform, type) else type(transform).__name__
                raise DataError(
                    "Compose", f"transforms[{at}] = {what}", "expected a function of a picture",
                    f"write {transform.__name__}(...)" if isinstance(transform, type) else "leave it out",
                )  # fmt: skip

    def __call__(self, x: PictureLike) -> Array | Tensor:
        held, is_tensor = cast(Any, x), type(x) is Tensor
        for transform in self.transforms:
            if type(transform).__call__ in (Changing.__call__, ToTensor.__call__):
                # Arrays in between: a tensor costs as much to read as a small picture does to change.
                held, is_tensor = cast(Changing, transform)._changed(held), is_tensor or isinstance(transform, ToTensor)
            else:
                held = transform(_core.asarray(held) if is_tensor else held)
                is_tensor = type(held) is Tensor
        return cast("Array | Tensor", _core.asarray(held) if is_tensor else held)


class ToTensor(Changing):
    """Bytes as float32 from 0 to 1, other numbers as float32; channels stay last, where torchvision puts them first.

    Example
        >>> pt.data.transforms.ToTensor()(np.ones((8, 8, 3), np.float32)).shape
        (8, 8, 3)
    """

    def __call__(self, x: PictureLike) -> Tensor:  # type: ignore[override]  # of an array too
        return _core.asarray(self._changed(x))

    def _changed(self, x: PictureLike) -> Array:
        picture = np.asarray(x)
        scale = np.float32(1 / 255) if picture.dtype == np.uint8 else None
        return picture.astype(np.float32) if scale is None else picture * scale


class Normalize(Changing):
    """(x - mean) / std, one number for all or one for each channel.

    >>> Normalize([1.0, 2.0], [2.0, 4.0])(np.array([[[3.0, 2.0]]])).tolist()
    [[[1.0, 0.0]]]
    """

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]) -> None:
        self.mean, self.std = np.asarray(mean, np.float32), np.asarray(std, np.float32)
        if self.mean.ndim > 1 or self.std.ndim > 1 or not (self.std > 0).all():
            raise DataError(
                "Normalize", f"mean = {mean}, std = {std}", "expected a number or one for each channel, std above 0",
                "for example Normalize(0.5, 0.25)",
            )  # fmt: skip

    def _changed(self, x: PictureLike) -> Array:
        picture = np.asarray(x)
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values.ndim and (picture.ndim < 3 or picture.shape[-1] != len(values)):
                raise DataError(
                    "Normalize", f"{len(values)} numbers as {name} for a picture {list(picture.shape)}",
                    "expected one for each channel, which are last", "give a single number, or move the channels",
                )  # fmt: skip
        out = np.subtract(picture, self.mean, dtype=np.float32)
        out /= self.std
        return out


class Pad(Changing):
    """Rows and columns around a picture: `padding` on each side, or (left and right, top and bottom), or (left, top,
    right, bottom). `padding_mode` is "constant" (of `fill`), "edge", "reflect" or "symmetric".

    Example
        >>> pt.data.transforms.Pad(1)(np.ones((8, 8, 3), np.float32)).shape
        (10, 10, 3)
    """

    MODES = ("constant", "edge", "reflect", "symmetric")

    def __init__(self, padding: int | Sequence[int], fill: float = 0, padding_mode: str = "constant") -> None:
        sides = [padding] * 4 if isinstance(padding, int) else [*padding] * (2 if len(padding) == 2 else 1)
        wrong = len(sides) != 4 or any(not whole_number(side) or side < 0 for side in sides)
        if wrong or padding_mode not in self.MODES:
            raise DataError(
                type(self).__name__, f"padding = {padding}, padding_mode = {padding_mode!r}",
                f"expected 1, 2 or 4 whole numbers >= 0, and one of {', '.join(self.MODES)}", "for example padding=4",
            )  # fmt: skip
        self.sides, self.fill, self.padding_mode = tuple(sides), fill, padding_mode

    def _changed(self, x: PictureLike) -> Array:
        picture = picture_of(x, "Pad")
        left, top, right, bottom = self.sides
        if self.padding_mode == "constant":  # np.pad takes several times as long for a small picture
            height, width = picture.shape[:2]
            out = np.empty((top + height + bottom, left + width + right, *picture.shape[2:]), picture.dtype)
            out[...] = self.fill
            out[top : top + height, left : left + width] = picture
            return out
        around = [(top, bottom), (left, right), *[(0, 0)] * (picture.ndim - 2)]
        return np.pad(picture, around, mode=self.padding_mode)  # type: ignore[call-overload]


class CenterCrop(Changing):
    """The middle of a picture, of `size` (height, width), or of a square.

    Example
        >>> pt.data.transforms.CenterCrop(4)(np.ones((8, 8, 3), np.float32)).shape
        (4, 4, 3)
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = size_of(size, "CenterCrop")

    def _changed(self, x: PictureLike) -> Array:
        picture = picture_of(x, "CenterCrop", self.size)
        corner = [(have - want) // 2 for have, want in zip(picture.shape, self.size, strict=False)]
        return _cut(picture, self.size, corner)


class RandomCrop(Changing):
    """A part of a picture, of `size` (height, width) or of a square, after `padding` as for Pad.

    pad_if_needed   also pad a picture that is smaller than the part

    Example
        >>> pt.data.transforms.RandomCrop(4)(np.ones((8, 8, 3), np.float32)).shape
        (4, 4, 3)
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: float = 0,
        padding_mode: str = "constant",
    ) -> None:
        self.size = size_of(size, "RandomCrop")
        self.pad = None if padding is None else Pad(padding, fill, padding_mode)
        self.pad_if_needed, self.fill, self.padding_mode = pad_if_needed, fill, padding_mode

    def _changed(self, x: PictureLike) -> Array:
        picture = picture_of(x, "RandomCrop")
        if self.pad is not None:
            picture = self.pad(picture)
        if self.pad_if_needed:
            down, right = (max(0, want - have) for have, want in zip(picture.shape, self.size, strict=False))
            picture = Pad((right, down), self.fill, self.padding_mode)(picture)
        picture_of(picture, "RandomCrop", self.size)
        free = [have - want for have, want in zip(picture.shape, self.size, strict=False)]
        words = current().words((2,)).tolist()
        return _cut(picture, self.size, [word % (one + 1) for word, one in zip(words, free, strict=True)])


class _RandomFlip(Changing):
    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise DataError(type(self).__name__, f"p = {p}", "expected a share from 0 to 1", "0.5 is usual")
        self.p = p

    def _flipped(self, x: Any, axis: int) -> Array:
        picture = picture_of(x, type(self).__name__)
        flip = float(current().uniform((1,))[0]) < self.p
        return np.ascontiguousarray(picture[:, ::-1] if axis else picture[::-1]) if flip else picture


class RandomHorizontalFlip(_RandomFlip):
    """Left and right exchanged, in a share `p` of the pictures.

    Example
        >>> pt.data.transforms.RandomHorizontalFlip()(np.ones((8, 8, 3), np.float32)).shape
        (8, 8, 3)
    """

    def _changed(self, x: PictureLike) -> Array:
        return self._flipped(x, 1)


class RandomVerticalFlip(_RandomFlip):
    """Top and bottom exchanged, in a share `p` of the pictures.

    Example
        >>> pt.data.transforms.RandomVerticalFlip()(np.ones((8, 8, 3), np.float32)).shape
        (8, 8, 3)
    """

    def _changed(self, x: PictureLike) -> Array:
        return self._flipped(x, 0)


def whole_number(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def size_of(size: Any, where: str) -> tuple[int, int]:
    both = (size, size) if whole_number(size) else tuple(size) if isinstance(size, (tuple, list)) else ()
    if len(both) != 2 or any(not whole_number(side) or side < 1 for side in both):
        raise DataError(
            where, f"size = {size!r}", "expected a whole number >= 1, or two", f"for example {where}((32, 24))"
        )
    return int(both[0]), int(both[1])


def picture_of(x: Any, where: str, least: tuple[int, int] = (1, 1)) -> Array:
    picture = np.asarray(x)
    if picture.ndim not in (2, 3) or picture.shape[0] < least[0] or picture.shape[1] < least[1]:
        size = "" if least == (1, 1) else f", of at least {least[0]} x {least[1]}"
        raise DataError(
            where, f"an array {list(picture.shape)}", f"expected a picture [height, width(, channels)]{size}",
            "put it where one picture is made, in __getitem__; pad what is too small",
        )  # fmt: skip
    return picture


def _cut(picture: Array, size: tuple[int, int], corner: Sequence[int]) -> Array:
    top, left = corner
    return np.ascontiguousarray(picture[top : top + size[0], left : left + size[1]])
