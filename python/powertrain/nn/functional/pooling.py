"""Pooling of sequences, images and volumes by the ops of images, with the places of maxima."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain._core import ShapeError, Tensor, asarray
from powertrain.nn import checks
from powertrain.nn.functional import with_places
from powertrain.nn.functional.with_places import Numbers, Pair
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

__all__ = ["lp_pool1d", "lp_pool3d", "max_pool1d", "max_pool2d", "max_pool3d"]

SPACE = ("time", "height, width", "depth, height, width")


def of_space(where: str, input: TensorLike, axes: int) -> Tensor:
    """The input, which has so many axes of space between batch and channels."""
    input = asarray(input)
    if input.ndim != axes + 2:
        raise ShapeError(
            f"[{where}] input is {list(input.shape)}; expected [batch, {SPACE[axes - 1]}, channels]; reshape it"
        )
    return input


def spread(where: str, axes: int, least: int, **given: Any) -> list[tuple[int, ...]]:
    """Each setting as one whole number per axis."""
    checks.per_axis(where, axes, least, **given)
    return [checks.spread(value, axes) for value in given.values()]


@with_places.max_pool
def max_pool1d(
    input: TensorLike,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | Pair:
    """The maximum of each window of a sequence; settings as of max_pool2d.

    Shapes    input [n, t, c] -> [n, ot, c]
    Source    PyTorch, nn.functional.max_pool1d
    Example
        >>> import powertrain.nn.functional as F
        >>> F.max_pool1d(pt.ones((2, 8, 3)), 2).shape
        (2, 4, 3)
    """
    return _max_pool("max_pool1d", 1, input, (kernel_size, stride, padding, dilation), ceil_mode, return_indices)


@with_places.max_pool
def max_pool2d(
    input: TensorLike,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | Pair:
    """The maximum of each window of an image; NaN where the window holds one, and padding never wins.

    With return_indices, (the maxima, their places): a place counts the pixels of the image row by row, in every
    channel, as max_unpool2d takes it; of equal elements it is the first.

    Shapes    input [n, h, w, c] -> [n, oh, ow, c]; kernel_size, stride, padding and dilation are one number or one per
              axis, and stride is the window when left out; with ceil_mode the last windows may reach over the end
    Errors    other shapes; a window larger than the padded image, or of more than 256 elements; padding above half the
              window; a window without an element
    Grad      input; to the first of equal elements
    Source    PyTorch, nn.functional.max_pool2d
    Example
        >>> import powertrain as pt
        >>> x = pt.tensor([[1.0, 4.0], [3.0, 2.0]]).reshape((1, 2, 2, 1))
        >>> largest, places = pt.nn.functional.max_pool2d(x, 2, return_indices=True)
        >>> largest.item(), places.item()
        (4.0, 1)
    """
    return _max_pool("max_pool2d", 2, input, (kernel_size, stride, padding, dilation), ceil_mode, return_indices)


@with_places.max_pool
def max_pool3d(
    input: TensorLike,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | Pair:
    """The maximum of each window of a volume; settings as of max_pool2d.

    Shapes    input [n, d, h, w, c] -> [n, od, oh, ow, c]
    Source    PyTorch, nn.functional.max_pool3d
    Example
        >>> import powertrain.nn.functional as F
        >>> F.max_pool3d(pt.ones((2, 4, 4, 4, 3)), 2).shape
        (2, 2, 2, 2, 3)
    """
    return _max_pool("max_pool3d", 3, input, (kernel_size, stride, padding, dilation), ceil_mode, return_indices)


def _max_pool(where: str, axes: int, input: Any, settings: tuple[Any, ...], ceil_mode: bool, indices: bool) -> Any:
    if not indices:
        return OPERATORS[where](input, *settings, ceil_mode)
    kernel_size, stride, padding, dilation = settings
    input = of_space(where, input, axes)
    stride = kernel_size if stride is None else stride
    kernel, step, apart = spread(where, axes, 1, kernel_size=kernel_size, stride=stride, dilation=dilation)
    (border,) = spread(where, axes, 0, padding=padding)
    per_axis = list(zip(kernel, step, border, apart, strict=True))
    shape = input.shape
    if axes == 1:
        line = OPERATORS["reshape"](input, (shape[0], 1, *shape[1:]))
        y, rows, columns = _with_places(line, (_WHOLE, per_axis[0]), ceil_mode)
        return OPERATORS["squeeze"](y, 1), OPERATORS["squeeze"](rows * shape[1] + columns, 1)
    if axes == 2:
        y, rows, columns = _with_places(input, tuple(per_axis), ceil_mode)
        return y, rows * shape[2] + columns
    # Rows and columns of every slice, then the slices.
    n, d, h, w, c = shape
    y, rows, columns = _with_places(OPERATORS["reshape"](input, (n * d, h, w, c)), tuple(per_axis[1:]), ceil_mode)
    oh, ow = y.shape[1:3]
    flat, within = (OPERATORS["reshape"](one, (n, d, oh * ow, c)) for one in (y, rows * w + columns))
    y, slices, _ = _with_places(flat, (per_axis[0], _WHOLE), ceil_mode)
    places = slices * (h * w) + OPERATORS["take_along_axis"](within, slices, 1)
    shape = (n, slices.shape[1], oh, ow, c)
    return OPERATORS["reshape"](y, shape), OPERATORS["reshape"](places, shape)


_WHOLE = (1, 1, 0, 1)  # a window of one element


def _with_places(image: Tensor, windows: tuple[Any, ...], ceil_mode: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The maxima of an image's windows, and their rows and columns, int64."""
    kernel, stride, padding, dilation = (list(numbers) for numbers in zip(*windows, strict=True))
    y, winner = OPERATORS["max_pool2d_with_index"](image, kernel, stride, padding, dilation, ceil_mode)
    winner = OPERATORS["astype"](winner, "int64")
    in_row = OPERATORS["floor_divide"](winner, kernel[1])
    taps = (in_row, winner - in_row * kernel[1])
    found = []
    for axis in (0, 1):
        first = np.arange(y.shape[axis + 1], dtype="int64") * stride[axis] - padding[axis]
        found.append(taps[axis] * dilation[axis] + asarray(first.reshape((-1, 1, 1) if axis == 0 else (-1, 1))))
    return y, found[0], found[1]


def lp_pool1d(
    input: TensorLike, norm_type: float, kernel_size: Numbers, stride: Numbers | None = None, ceil_mode: bool = False
) -> Tensor:
    """The root of order norm_type of the sum of powers in each window of a sequence.

    Shapes    input [n, t, c] -> [n, ot, c]
    Example
        >>> import powertrain.nn.functional as F
        >>> F.lp_pool1d(pt.ones((2, 8, 3)), 2.0, 2).shape
        (2, 4, 3)
    """
    input = of_space("lp_pool1d", input, 1)
    (kernel,), *rest = spread(
        "lp_pool1d", 1, 1, kernel_size=kernel_size, **({} if stride is None else {"stride": stride})
    )
    step = (1, kernel if not rest else rest[0][0])
    line = OPERATORS["expand_dims"](input, 1)
    return OPERATORS["squeeze"](OPERATORS["lp_pool2d"](line, norm_type, (1, kernel), step, ceil_mode), 1)


def lp_pool3d(
    input: TensorLike, norm_type: float, kernel_size: Numbers, stride: Numbers | None = None, ceil_mode: bool = False
) -> Tensor:
    """The root of order norm_type of the sum of powers in each window of a volume.

    Shapes    input [n, d, h, w, c] -> [n, od, oh, ow, c]
    Errors    other shapes; norm_type not above 0; a window larger than the volume
    Grad      input; 0 where the sum is 0
    Source    PyTorch, nn.functional.lp_pool3d
    Example
        >>> import powertrain as pt
        >>> pt.nn.functional.lp_pool3d(pt.ones((1, 2, 2, 2, 1)), 3, 2).item()
        2.0
    """
    checks.numbers("lp_pool3d", above=0, norm_type=norm_type)
    input = of_space("lp_pool3d", input, 3)
    (kernel,) = spread("lp_pool3d", 3, 1, kernel_size=kernel_size)
    wide = input if input.dtype.name == "float64" else OPERATORS["astype"](input, "float32")
    powers = OPERATORS["pow"](wide, float(norm_type))
    total = OPERATORS["avg_pool3d"](powers, kernel, stride, ceil_mode=ceil_mode) * float(math.prod(kernel))
    empty = OPERATORS["equal"](total, 0.0)  # a window of zeros has no direction in which it grows
    root = OPERATORS["pow"](OPERATORS["where"](empty, 1.0, total), 1 / norm_type)
    return OPERATORS["astype"](OPERATORS["where"](empty, 0.0, root), input.dtype)
