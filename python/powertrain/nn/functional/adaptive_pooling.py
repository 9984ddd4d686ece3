"""Pooling to a size that is given, and maxima of windows whose places are listed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain._core import ShapeError, Tensor, asarray
from powertrain.nn import checks
from powertrain.nn.functional import with_places
from powertrain.nn.functional.pooling import of_space
from powertrain.nn.functional.with_places import Numbers, Pair
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d",
]  # fmt: skip


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
    Example
        >>> import powertrain.nn.functional as F
        >>> F.adaptive_avg_pool1d(pt.ones((2, 8, 3)), 2).shape
        (2, 2, 3)
    """
    sizes = _sizes("adaptive_avg_pool1d", 1, output_size)
    return _adaptive("adaptive_avg_pool2d", of_space("adaptive_avg_pool1d", input, 1), sizes)


def adaptive_avg_pool3d(input: TensorLike, output_size: Numbers) -> Tensor:
    """The mean of each of output_size parts of a volume.

    Shapes    input [n, d, h, w, c] -> [n, od, oh, ow, c]
    Example
        >>> import powertrain.nn.functional as F
        >>> F.adaptive_avg_pool3d(pt.ones((2, 4, 4, 4, 3)), 2).shape
        (2, 2, 2, 2, 3)
    """
    sizes = _sizes("adaptive_avg_pool3d", 3, output_size)
    return _adaptive("adaptive_avg_pool2d", of_space("adaptive_avg_pool3d", input, 3), sizes)


@with_places.adaptive_max_pool
def adaptive_max_pool1d(input: TensorLike, output_size: Numbers, return_indices: bool = False) -> Tensor | Pair:
    """The maximum of each of output_size parts of a sequence; settings as of adaptive_max_pool2d.

    Shapes    input [n, t, c] -> [n, output_size, c]
    Example
        >>> import powertrain.nn.functional as F
        >>> F.adaptive_max_pool1d(pt.ones((2, 8, 3)), 2).shape
        (2, 2, 3)
    """
    return _adaptive_max("adaptive_max_pool1d", 1, input, output_size, return_indices)


@with_places.adaptive_max_pool
def adaptive_max_pool2d(input: TensorLike, output_size: Numbers, return_indices: bool = False) -> Tensor | Pair:
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


@with_places.adaptive_max_pool
def adaptive_max_pool3d(input: TensorLike, output_size: Numbers, return_indices: bool = False) -> Tensor | Pair:
    """The maximum of each of output_size parts of a volume; settings as of adaptive_max_pool2d.

    Shapes    input [n, d, h, w, c] -> [n, od, oh, ow, c]
    Example
        >>> import powertrain.nn.functional as F
        >>> F.adaptive_max_pool3d(pt.ones((2, 4, 4, 4, 3)), 2).shape
        (2, 2, 2, 2, 3)
    """
    return _adaptive_max("adaptive_max_pool3d", 3, input, output_size, return_indices)
