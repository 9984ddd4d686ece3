"""Pooling: of sequences and volumes by the ops of images, with the places of maxima, to sizes that are given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from powertrain._core import ShapeError, Tensor, asarray
from powertrain.nn import checks
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d",
    "lp_pool1d", "lp_pool3d", "max_pool1d", "max_pool2d", "max_pool3d",
]  # fmt: skip

Numbers = int | Sequence[int]
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


@overload
def max_pool1d(
    input: TensorLike,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Tensor: ...
@overload
def max_pool1d(
    input: TensorLike,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]: ...
def max_pool1d(
    input: TensorLike,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The maximum of each window of a sequence; settings as of max_pool2d.

    Shapes    input [n, t, c] -> [n, ot, c]
    Source    PyTorch, nn.functional.max_pool1d
    """
    return _max_pool("max_pool1d", 1, input, (kernel_size, stride, padding, dilation), ceil_mode, return_indices)


@overload
def max_pool2d(
    input: TensorLike,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Tensor: ...
@overload
def max_pool2d(
    input: TensorLike,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]: ...
def max_pool2d(
    input: TensorLike,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
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


@overload
def max_pool3d(
    input: TensorLike,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Tensor: ...
@overload
def max_pool3d(
    input: TensorLike,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]: ...
def max_pool3d(
    input: TensorLike,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    dilation: Numbers = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The maximum of each window of a volume; settings as of max_pool2d.

    Shapes    input [n, d, h, w, c] -> [n, od, oh, ow, c]
    Source    PyTorch, nn.functional.max_pool3d
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


# ---------------------------------------------------------------- windows at places that differ


def largest_of_windows(input: Tensor, windows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The maxima of windows whose places along each axis of space are listed, and where these are.

    Shapes    input [n, *space, c], each of windows [n or 1, parts, places, c or 1] of int64
              -> [n, *parts, c], int64 [n, *parts, c]; of equal elements the first counts
    """
    n, *space, c = input.shape
    axes = len(space)
    flat: Any = 0
    for axis, places in enumerate(windows):
        own = [1] * (2 * axes)
        own[axis], own[axes + axis] = places.shape[1], places.shape[2]
        placed = OPERATORS["reshape"](places, (places.shape[0], *own, places.shape[3]))
        flat = flat * space[axis] + placed
    parts = [places.shape[1] for places in windows]
    taps = math.prod(places.shape[2] for places in windows)
    index = OPERATORS["broadcast_to"](
        OPERATORS["reshape"](flat, (flat.shape[0], math.prod(parts), taps, flat.shape[-1])),
        (n, math.prod(parts), taps, c),
    )
    pixels = OPERATORS["reshape"](input, (n, math.prod(space), c))
    found = OPERATORS["take_along_axis"](pixels, OPERATORS["reshape"](index, (n, -1, c)), 1)
    winner = OPERATORS["argmax"](OPERATORS["reshape"](found, index.shape), 2, keepdims=True)
    place = OPERATORS["squeeze"](OPERATORS["take_along_axis"](index, OPERATORS["astype"](winner, "int64"), 2), 2)
    shape = (n, *parts, c)
    y = OPERATORS["take_along_axis"](pixels, place, 1)
    return OPERATORS["reshape"](y, shape), OPERATORS["reshape"](place, shape)


def _parts_of(size: int, parts: int) -> Tensor:
    """The places of each of so many parts of an axis; a shorter part has its last place several times."""
    first = np.arange(parts) * size // parts
    end = -(-(np.arange(parts) + 1) * size // parts)
    places = first[:, None] + np.arange(int((end - first).max()))
    return asarray(np.minimum(places, end[:, None] - 1).astype("int64")[None, :, :, None])


def _sizes(where: str, axes: int, output_size: Any) -> tuple[int, ...]:
    sizes = checks.spread(output_size[0] if _alone(output_size) else output_size, axes)
    if len(sizes) != axes or not all(checks.whole(size, 1) for size in sizes):
        words = "a whole number above 0" + (f", or {axes} of them" if axes > 1 else "")
        raise ShapeError(f"[{where}] output_size = {output_size!r}; expected {words}; for example output_size = 1")
    return sizes


def _alone(value: Any) -> bool:
    """A size in a tuple of its own, which PyTorch allows."""
    return isinstance(value, (tuple, list)) and len(value) == 1


def _adaptive_max(where: str, axes: int, input: Any, output_size: Any, return_indices: bool) -> Any:
    sizes = _sizes(where, axes, output_size)
    input = of_space(where, input, axes)
    if return_indices:
        return largest_of_windows(input, list(map(_parts_of, input.shape[1:-1], sizes)))
    return _adaptive("adaptive_max_pool2d", input, sizes)


def _adaptive(op: str, input: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """An op of images on sequences, as images of one row, and on volumes: on every slice, and then on the slices."""
    if len(sizes) == 1:
        return OPERATORS["squeeze"](OPERATORS[op](OPERATORS["expand_dims"](input, 1), (1, *sizes)), 1)
    if len(sizes) == 2:
        return OPERATORS[op](input, sizes)
    n, d, h, w, c = input.shape
    slices = OPERATORS[op](OPERATORS["reshape"](input, (n * d, h, w, c)), sizes[1:])
    places = sizes[1] * sizes[2]
    deep = OPERATORS[op](OPERATORS["reshape"](slices, (n, d, places, c)), (sizes[0], places))
    return OPERATORS["reshape"](deep, (n, *sizes, c))


def adaptive_avg_pool1d(input: TensorLike, output_size: Numbers) -> Tensor:
    """The mean of each of output_size parts of a sequence.

    Shapes    input [n, t, c] -> [n, output_size, c]
    """
    sizes = _sizes("adaptive_avg_pool1d", 1, output_size)
    return _adaptive("adaptive_avg_pool2d", of_space("adaptive_avg_pool1d", input, 1), sizes)


def adaptive_avg_pool3d(input: TensorLike, output_size: Numbers) -> Tensor:
    """The mean of each of output_size parts of a volume.

    Shapes    input [n, d, h, w, c] -> [n, od, oh, ow, c]
    """
    sizes = _sizes("adaptive_avg_pool3d", 3, output_size)
    return _adaptive("adaptive_avg_pool2d", of_space("adaptive_avg_pool3d", input, 3), sizes)


@overload
def adaptive_max_pool1d(input: TensorLike, output_size: Numbers, return_indices: Literal[False] = False) -> Tensor: ...
@overload
def adaptive_max_pool1d(
    input: TensorLike, output_size: Numbers, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]: ...
def adaptive_max_pool1d(
    input: TensorLike, output_size: Numbers, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """The maximum of each of output_size parts of a sequence; settings as of adaptive_max_pool2d.

    Shapes    input [n, t, c] -> [n, output_size, c]
    """
    return _adaptive_max("adaptive_max_pool1d", 1, input, output_size, return_indices)


@overload
def adaptive_max_pool2d(input: TensorLike, output_size: Numbers, return_indices: Literal[False] = False) -> Tensor: ...
@overload
def adaptive_max_pool2d(
    input: TensorLike, output_size: Numbers, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]: ...
def adaptive_max_pool2d(
    input: TensorLike, output_size: Numbers, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """The maximum of each of so many parts of an image; neighbours share a pixel where the size does not divide it.

    With return_indices, (the maxima, their places), as of max_pool2d.

    Shapes    input [n, h, w, c] -> [n, oh, ow, c]; output_size is one number or (rows, columns)
    Errors    other shapes; an output_size below 1
    Grad      input; equal elements share it, with return_indices the first has it
    Source    PyTorch, nn.functional.adaptive_max_pool2d
    Example
        >>> import powertrain as pt
        >>> pt.nn.functional.adaptive_max_pool2d(pt.ones((1, 7, 7, 3)), 2).shape
        (1, 2, 2, 3)
    """
    return _adaptive_max("adaptive_max_pool2d", 2, input, output_size, return_indices)


@overload
def adaptive_max_pool3d(input: TensorLike, output_size: Numbers, return_indices: Literal[False] = False) -> Tensor: ...
@overload
def adaptive_max_pool3d(
    input: TensorLike, output_size: Numbers, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]: ...
def adaptive_max_pool3d(
    input: TensorLike, output_size: Numbers, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """The maximum of each of output_size parts of a volume; settings as of adaptive_max_pool2d.

    Shapes    input [n, d, h, w, c] -> [n, od, oh, ow, c]
    """
    return _adaptive_max("adaptive_max_pool3d", 3, input, output_size, return_indices)


# ---------------------------------------------------------------- sums of powers


def lp_pool1d(
    input: TensorLike, norm_type: float, kernel_size: Numbers, stride: Numbers | None = None, ceil_mode: bool = False
) -> Tensor:
    """The root of order norm_type of the sum of powers in each window of a sequence.

    Shapes    input [n, t, c] -> [n, ot, c]
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
