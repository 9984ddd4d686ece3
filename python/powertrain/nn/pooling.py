"""Pooling of sequences, images and volumes, channels last: [batch, ..., channels]."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import checks
from powertrain.nn.maxima import B, Maxima
from powertrain.nn.module import Module

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.nn.functional.with_places import Pair

__all__ = [
    "AvgPool1d", "AvgPool2d", "AvgPool3d", "GlobalAveragePool", "LPPool1d", "LPPool2d", "LPPool3d", "MaxPool1d",
    "MaxPool2d", "MaxPool3d",
]  # fmt: skip

Numbers = int | tuple[int, ...]


class _Pool(Module):
    """Windows; the stride is the window by default."""

    AXES: ClassVar[int]

    def __init__(self, kernel_size: Numbers, stride: Numbers | None = None, padding: Numbers = 0) -> None:
        super().__init__()
        where = type(self).__name__
        checks.per_axis(where, self.AXES, 1, kernel_size=kernel_size)
        checks.per_axis(where, self.AXES, 1, **({} if stride is None else {"stride": stride}))
        checks.per_axis(where, self.AXES, padding=padding)
        self.kernel_size = checks.spread(kernel_size, self.AXES)
        self.stride = self.kernel_size if stride is None else checks.spread(stride, self.AXES)
        self.padding = checks.spread(padding, self.AXES)


class _MaxPool(_Pool, Maxima[B]):
    def __init__(
        self,
        kernel_size: Numbers,
        stride: Numbers | None = None,
        padding: Numbers = 0,
        dilation: Numbers = 1,
        return_indices: B = False,  # type: ignore[assignment]
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        checks.per_axis(type(self).__name__, self.AXES, 1, dilation=dilation)
        self.dilation, self.return_indices = checks.spread(dilation, self.AXES), return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor | Pair:
        op: Any = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[self.AXES - 1]
        windows = (self.kernel_size, self.stride, self.padding, self.dilation)
        return op(input, *windows, self.ceil_mode, self.return_indices)


class MaxPool1d(_MaxPool[B]):
    """The largest value of each window of [batch, time, channels].

    With `return_indices`, (the values, their places), as MaxUnpool1d takes them.

    Example
        >>> pt.nn.MaxPool1d(2)(pt.ones((2, 8, 3))).shape
        (2, 4, 3)
    """

    AXES = 1


class MaxPool2d(_MaxPool[B]):
    """The largest value of each window of [batch, height, width, channels]; settings as of MaxPool1d.

    Example
        >>> pt.nn.MaxPool2d(2)(pt.ones((2, 8, 8, 3))).shape
        (2, 4, 4, 3)
    """

    AXES = 2


class MaxPool3d(_MaxPool[B]):
    """The largest value of each window of [batch, depth, height, width, channels]; settings as of MaxPool1d.

    Example
        >>> pt.nn.MaxPool3d(2)(pt.ones((2, 4, 4, 4, 3))).shape
        (2, 2, 2, 2, 3)
    """

    AXES = 3


class _AvgPool(_Pool):
    def __init__(
        self,
        kernel_size: Numbers,
        stride: Numbers | None = None,
        padding: Numbers = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        if divisor_override is not None:
            checks.sizes(type(self).__name__, 1, divisor_override=divisor_override)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad
        self.divisor_override = divisor_override

    def _counts(self, image: tuple[int, ...], windows: tuple[int, ...]) -> pt.Tensor:
        """How many elements each window has, padding included, [windows..., 1]: the last may end beyond the border."""
        counts = np.ones(())
        for axis, size in enumerate(image):
            starts = np.arange(windows[axis]) * self.stride[axis]
            ends = np.minimum(starts + self.kernel_size[axis], size + 2 * self.padding[axis])
            counts = np.multiply.outer(counts, ends - starts)
        return pt.asarray(np.expand_dims(counts, -1).astype("float32"))

    def forward(self, input: Tensor) -> pt.Tensor:
        op = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[self.AXES - 1]
        counts = self.count_include_pad or self.divisor_override is not None
        y: pt.Tensor = op(
            input, self.kernel_size, self.stride, self.padding, count_include_pad=counts, ceil_mode=self.ceil_mode
        )
        if self.divisor_override is None:
            return y
        if not self.ceil_mode:
            return y * (math.prod(self.kernel_size) / self.divisor_override)
        share = self._counts(tuple(input.shape[1:-1]), tuple(y.shape[1:-1])) / self.divisor_override
        return y * pt.astype(share, y.dtype)


class AvgPool1d(_AvgPool):
    """The mean of each window of [batch, time, channels]; `count_include_pad` says whether padding counts.

    Example
        >>> pt.nn.AvgPool1d(2)(pt.ones((2, 8, 3))).shape
        (2, 4, 3)
    """

    AXES = 1

    def __init__(
        self,
        kernel_size: Numbers,
        stride: Numbers | None = None,
        padding: Numbers = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)


class AvgPool2d(_AvgPool):
    """The mean of each window of [batch, height, width, channels]; `count_include_pad` says whether padding counts.

    `divisor_override`: what the sum of a window is divided by, instead of its number of elements.

    Example
        >>> pt.nn.AvgPool2d(2)(pt.ones((2, 8, 8, 3))).shape
        (2, 4, 4, 3)
    """

    AXES = 2


class AvgPool3d(_AvgPool):
    """The mean of each window of [batch, depth, height, width, channels]; settings as of AvgPool2d.

    Example
        >>> pt.nn.AvgPool3d(2)(pt.ones((2, 4, 4, 4, 3))).shape
        (2, 2, 2, 2, 3)
    """

    AXES = 3


class _LPPool(Module):
    AXES: ClassVar[int]

    def __init__(
        self, norm_type: float, kernel_size: Numbers, stride: Numbers | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        where = type(self).__name__
        checks.numbers(where, above=0, norm_type=norm_type)
        given = {"kernel_size": kernel_size} | ({} if stride is None else {"stride": stride})
        checks.per_axis(where, self.AXES, 1, **given)
        self.norm_type, self.kernel_size = norm_type, checks.spread(kernel_size, self.AXES)
        self.stride = self.kernel_size if stride is None else checks.spread(stride, self.AXES)
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> pt.Tensor:
        op: Any = (F.lp_pool1d, F.lp_pool2d, F.lp_pool3d)[self.AXES - 1]
        y: pt.Tensor = op(input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)
        return y


class LPPool1d(_LPPool):
    """The p-th root of the sum of x^p over each window of [batch, time, channels], p being norm_type.

    Example
        >>> pt.nn.LPPool1d(2, kernel_size=2)(pt.ones((2, 8, 3))).shape
        (2, 4, 3)
    """

    AXES = 1


class LPPool2d(_LPPool):
    """The p-th root of the sum of x^p over each window of [batch, height, width, channels], p being norm_type.

    Example
        >>> pt.nn.LPPool2d(2, kernel_size=2)(pt.ones((2, 8, 8, 3))).shape
        (2, 4, 4, 3)
    """

    AXES = 2


class LPPool3d(_LPPool):
    """The p-th root of the sum of x^p over each window of [batch, depth, height, width, channels], p is norm_type.

    Example
        >>> pt.nn.LPPool3d(2, kernel_size=2)(pt.ones((2, 4, 4, 4, 3))).shape
        (2, 2, 2, 2, 3)
    """

    AXES = 3


class GlobalAveragePool(Module):
    """The mean over height and width: [batch, height, width, channels] to [batch, channels].

    Example
        >>> pt.nn.GlobalAveragePool()(pt.ones((2, 8, 8, 3))).shape
        (2, 3)
    """

    def forward(self, input: Tensor) -> pt.Tensor:
        return pt.mean(input, axis=(1, 2))
