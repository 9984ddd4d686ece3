"""The way back from maxima to images, and pooling of windows at random places; channels are the last axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn.functional.pooling import spread
from powertrain.nn.functional.unpooling import fractional_sizes
from powertrain.nn.maxima import B, Maxima
from powertrain.nn.module import Module
from powertrain.nn.pooling import Numbers

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.nn.functional.with_places import Pair

__all__ = ["FractionalMaxPool2d", "FractionalMaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"]


class _MaxUnpool(Module):
    AXES: ClassVar[int]

    def __init__(self, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0) -> None:
        super().__init__()
        where = type(self).__name__
        (self.kernel_size,) = spread(where, self.AXES, 1, kernel_size=kernel_size)
        (self.stride,) = spread(where, self.AXES, 1, stride=kernel_size if stride is None else stride)
        (self.padding,) = spread(where, self.AXES, 0, padding=padding)

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> pt.Tensor:
        """`output_size`: of what was pooled, where several sizes give one; with or without batch and channels."""
        op = (F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)[self.AXES - 1]
        return op(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool1d(_MaxUnpool):
    """What MaxPool1d(..., return_indices=True) gives, at its places of [batch, time, channels], and zeros elsewhere.

    >>> pool, unpool = pt.nn.MaxPool1d(2, return_indices=True), pt.nn.MaxUnpool1d(2)
    >>> unpool(*pool(pt.tensor([1.0, 2.0, 5.0, 3.0]).reshape((1, 4, 1)))).numpy().ravel().tolist()
    [0.0, 2.0, 5.0, 0.0]
    """

    AXES = 1


class MaxUnpool2d(_MaxUnpool):
    """As MaxUnpool1d, of [batch, height, width, channels].

    Example
        >>> values, where = pt.nn.MaxPool2d(2, return_indices=True)(pt.ones((2, 8, 8, 3)))
        >>> pt.nn.MaxUnpool2d(2)(values, where).shape
        (2, 8, 8, 3)
    """

    AXES = 2


class MaxUnpool3d(_MaxUnpool):
    """As MaxUnpool1d, of [batch, depth, height, width, channels].

    Example
        >>> values, where = pt.nn.MaxPool3d(2, return_indices=True)(pt.ones((2, 4, 4, 4, 3)))
        >>> pt.nn.MaxUnpool3d(2)(values, where).shape
        (2, 4, 4, 4, 3)
    """

    AXES = 3


class _FractionalMaxPool(Maxima[B]):
    AXES: ClassVar[int]

    def __init__(
        self,
        kernel_size: Numbers,
        output_size: Numbers | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: B = False,  # type: ignore[assignment]
    ) -> None:
        super().__init__()
        where = type(self).__name__
        (self.kernel_size,) = spread(where, self.AXES, 1, kernel_size=kernel_size)
        self.output_size, self.output_ratio = fractional_sizes(where, self.AXES, output_size, output_ratio)
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Tensor | Pair:
        op: Any = (F.fractional_max_pool2d, F.fractional_max_pool3d)[self.AXES - 2]
        return op(input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices)


class FractionalMaxPool2d(_FractionalMaxPool[B]):
    """The maxima of windows of [batch, height, width, channels] at random distances (Graham 2014).

    There are as many windows as `output_size` says, or as `output_ratio` of the image. Each channel of each example has
    places of its own, in evaluation too. With `return_indices`, (the values, their places), as MaxUnpool2d takes them.

    Example
        >>> pt.nn.FractionalMaxPool2d(2, output_size=2)(pt.ones((2, 8, 8, 3))).shape
        (2, 2, 2, 3)
    """

    AXES = 2


class FractionalMaxPool3d(_FractionalMaxPool[B]):
    """As FractionalMaxPool2d, of [batch, depth, height, width, channels].

    Example
        >>> pt.nn.FractionalMaxPool3d(2, output_size=2)(pt.ones((2, 4, 4, 4, 3))).shape
        (2, 2, 2, 2, 3)
    """

    AXES = 3
