"""The way back from maxima to images, and pooling of windows at random places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from powertrain import random
from powertrain._core import ShapeError, Tensor, asarray
from powertrain.nn import checks
from powertrain.nn.functional import with_places
from powertrain.nn.functional.adaptive_pooling import largest_of_windows
from powertrain.nn.functional.pooling import of_space, spread
from powertrain.nn.functional.with_places import Numbers, Pair
from powertrain.ops.functional import OPERATORS, arange, zeros

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

__all__ = ["fractional_max_pool2d", "fractional_max_pool3d", "max_unpool1d", "max_unpool2d", "max_unpool3d"]


def max_unpool1d(
    input: TensorLike,
    indices: TensorLike,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """A sequence that holds the maxima at their places, and zeros elsewhere; settings as of max_unpool2d.

    Shapes    input [n, ot, c], indices [n, ot, c] -> [n, t, c]
    Example
        >>> import powertrain.nn.functional as F
        >>> values, where = F.max_pool1d(pt.ones((2, 8, 3)), 2, return_indices=True)
        >>> F.max_unpool1d(values, where, 2).shape
        (2, 8, 3)
    """
    return _unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: TensorLike,
    indices: TensorLike,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """An image that holds the maxima at their places, and zeros elsewhere.

    Several sizes of an image give one size of maxima: output_size says which, with or without batch and channels.
    Where two windows share a maximum, the last one's value stays.

    Shapes    input [n, oh, ow, c], indices [n, oh, ow, c] as max_pool2d(..., return_indices=True) gives them
              -> [n, h, w, c]; without output_size, h = (oh - 1) stride - 2 padding + kernel_size
    Errors    other shapes; an output_size that is further off than stride; a place outside of the image, reported when
              the call or the compiled step ends
    Grad      input
    Source    PyTorch, nn.functional.max_unpool2d
    Example
        >>> import powertrain as pt
        >>> import powertrain.nn.functional as F
        >>> x = pt.tensor([[1.0, 4.0], [3.0, 2.0]]).reshape((1, 2, 2, 1))
        >>> F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2).numpy().ravel().tolist()
        [0.0, 4.0, 0.0, 0.0]
    """
    return _unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: TensorLike,
    indices: TensorLike,
    kernel_size: Numbers,
    stride: Numbers | None = None,
    padding: Numbers = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """A volume that holds the maxima at their places, and zeros elsewhere; settings as of max_unpool2d.

    Shapes    input [n, od, oh, ow, c], indices [n, od, oh, ow, c] -> [n, d, h, w, c]
    Example
        >>> import powertrain.nn.functional as F
        >>> values, where = F.max_pool3d(pt.ones((2, 4, 4, 4, 3)), 2, return_indices=True)
        >>> F.max_unpool3d(values, where, 2).shape
        (2, 4, 4, 4, 3)
    """
    return _unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


def _unpool(
    where: str, axes: int, input: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Tensor:
    input, indices = of_space(where, input, axes), asarray(indices)
    if indices.shape != input.shape:
        raise ShapeError(
            f"[{where}] indices is {list(indices.shape)}, input is {list(input.shape)}; expected one shape; pass what "
            "the pooling returned"
        )
    kernel, step = spread(where, axes, 1, kernel_size=kernel_size, stride=kernel_size if stride is None else stride)
    (border,) = spread(where, axes, 0, padding=padding)
    usual = [
        (size - 1) * by - 2 * edge + width
        for size, by, edge, width in zip(input.shape[1:-1], step, border, kernel, strict=True)
    ]
    sizes = usual if output_size is None else [int(size) for size in output_size]
    sizes = sizes[1:-1] if len(sizes) == axes + 2 else sizes
    near = len(sizes) == axes and all(
        abs(size - middle) < by for size, middle, by in zip(sizes, usual, step, strict=True)
    )
    if min(usual) < 1 or not near:
        raise ShapeError(
            f"[{where}] output_size = {None if output_size is None else tuple(output_size)}; expected {axes} numbers "
            f"less than stride from {tuple(usual)}; pass the shape of what was pooled"
        )
    n, c = input.shape[0], input.shape[-1]
    flat = [OPERATORS["reshape"](one, (n, math.prod(input.shape[1:-1]), c)) for one in (indices, input)]
    whole = OPERATORS["scatter_reduce"](zeros((n, math.prod(sizes), c), input.dtype), *flat, 1)
    return OPERATORS["reshape"](whole, (n, *sizes, c))


# ---------------------------------------------------------------- windows at random places


@with_places.fractional_max_pool
def fractional_max_pool2d(
    input: TensorLike,
    kernel_size: Numbers,
    output_size: Numbers | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: TensorLike | None = None,
) -> Tensor | Pair:
    """The maxima of windows whose distances are random: as many as output_size, or as output_ratio of the image.

    Each channel of each example has places of its own, drawn from the default generator. With return_indices, (the
    maxima, their places), as of max_pool2d.

    Shapes    input [n, h, w, c] -> [n, oh, ow, c]
    Errors    other shapes; both of output_size and output_ratio, or none; windows that do not fit; a ratio outside 0 to
              1
    Grad      input; to the first of equal elements
    Source    Graham 2014; PyTorch, nn.functional.fractional_max_pool2d
    Example
        >>> import powertrain as pt
        >>> pt.nn.functional.fractional_max_pool2d(pt.ones((1, 9, 9, 3)), 2, output_ratio=0.5).shape
        (1, 4, 4, 3)
    """
    return _fractional("fractional_max_pool2d", 2, input, kernel_size, output_size, output_ratio, return_indices,
                       _random_samples)  # fmt: skip


@with_places.fractional_max_pool
def fractional_max_pool3d(
    input: TensorLike,
    kernel_size: Numbers,
    output_size: Numbers | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: TensorLike | None = None,
) -> Tensor | Pair:
    """The maxima of boxes whose distances are random; settings as of fractional_max_pool2d.

    Shapes    input [n, d, h, w, c] -> [n, od, oh, ow, c]
    Example
        >>> import powertrain.nn.functional as F
        >>> F.fractional_max_pool3d(pt.ones((2, 4, 4, 4, 3)), 2, output_size=2).shape
        (2, 2, 2, 2, 3)
    """
    return _fractional("fractional_max_pool3d", 3, input, kernel_size, output_size, output_ratio, return_indices,
                       _random_samples)  # fmt: skip


def fractional_sizes(where: str, axes: int, output_size: Any, output_ratio: Any) -> tuple[Any, Any]:
    """One of the two for each axis; the other one is None."""
    if (output_size is None) == (output_ratio is None):
        raise checks.SettingError(
            f"[{where}] output_size = {output_size}, output_ratio = {output_ratio}; expected one of them; leave the "
            "other one out"
        )
    if output_ratio is None:
        return spread(where, axes, 1, output_size=output_size)[0], None
    ratios = checks.spread(output_ratio, axes)
    if len(ratios) != axes or not all(0 < ratio < 1 for ratio in ratios):
        raise checks.SettingError(
            f"[{where}] output_ratio = {output_ratio}; expected numbers between 0 and 1, one or {axes}; 0.5 is usual"
        )
    return None, ratios


def _fractional(
    where: str,
    axes: int,
    input: Any,
    kernel_size: Any,
    output_size: Any,
    output_ratio: Any,
    indices: bool,
    samples: Any,
) -> Any:
    input = of_space(where, input, axes)
    (kernel,) = spread(where, axes, 1, kernel_size=kernel_size)
    sizes, ratios = fractional_sizes(where, axes, output_size, output_ratio)
    space = input.shape[1:-1]
    sizes = sizes or tuple(int(size * ratio) for size, ratio in zip(space, ratios, strict=True))
    if min(sizes) < 1 or any(out + width - 1 > size for out, width, size in zip(sizes, kernel, space, strict=True)):
        raise ShapeError(
            f"[{where}] input is {list(input.shape)}, windows of {kernel}, output {sizes}; expected at least 1, and "
            "output + window - 1 of at most the size of each axis; change output_size"
        )
    n, c = input.shape[0], input.shape[-1]
    drawn = random.uniform(size=(n, c, axes)) if samples is None else asarray(samples)
    if drawn.shape != (n, c, axes):
        raise ShapeError(
            f"[{where}] _random_samples is {list(drawn.shape)}; expected {[n, c, axes]}; leave it out to draw them"
        )
    # PyTorch gives the first sample to the columns.
    order = [0] if axes == 1 else [1, 0] if axes == 2 else [0, 1, 2]
    windows = [
        _random_windows(drawn[:, :, order[axis]], space[axis], sizes[axis], kernel[axis]) for axis in range(axes)
    ]
    y, places = largest_of_windows(input, windows)
    return (y, places) if indices else y


def _random_windows(drawn: Tensor, size: int, parts: int, width: int) -> Tensor:
    """The places [n, parts, width, c] of windows along an axis: the last one ends with it."""
    n, c = drawn.shape
    sample = OPERATORS["reshape"](drawn, (n, 1, c))
    if parts == 1:
        first = OPERATORS["broadcast_to"](asarray([size - width], "int64"), (n, 1, c))
    else:
        alpha = (size - width) / (parts - 1)
        step = OPERATORS["reshape"](OPERATORS["astype"](arange(parts), drawn.dtype), (1, parts, 1))
        turned = OPERATORS["trunc"]((step + sample) * alpha) - OPERATORS["trunc"](sample * alpha)
        ends = OPERATORS["equal"](OPERATORS["reshape"](arange(parts), (1, parts, 1)), parts - 1)
        first = OPERATORS["where"](ends, size - width, OPERATORS["astype"](turned, "int64"))
    return OPERATORS["expand_dims"](first, 2) + OPERATORS["reshape"](arange(width), (1, 1, width, 1))
