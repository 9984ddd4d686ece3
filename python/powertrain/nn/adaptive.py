"""Pooling to a size that is given, channels last: of sequences, images and volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import checks
from powertrain.nn.maxima import B, Maxima
from powertrain.nn.module import Module

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.nn.functional.with_places import Pair

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
]  # fmt: skip

Sizes = int | tuple[int | None, ...] | None


class _Adaptive(Module):
    """Each axis of space is parted into `output_size` parts; None leaves an axis as it is."""

    AXES: ClassVar[int]

    def __init__(self, output_size: Sizes) -> None:
        super().__init__()
        several = isinstance(output_size, (tuple, list))
        sizes: Any = tuple(output_size) if several else (output_size,) * self.AXES  # type: ignore[arg-type]
        if len(sizes) != self.AXES or not all(size is None or checks.whole(size, 1) for size in sizes):
            words = f" or a tuple of {self.AXES}," if self.AXES > 1 else ""
            raise pt.ShapeError(
                f"[{type(self).__name__}] output_size = {output_size!r}; expected a whole number from 1 to "
                f"{checks.MOST},{words} or None for an axis that stays; for example output_size = 1"
            )
        self.output_size: tuple[int | None, ...] = sizes

    def _sizes(self, x: Any) -> tuple[int, ...]:
        shape = "[batch, " + ("time", "height, width", "depth, height, width")[self.AXES - 1] + ", channels]"
        checks.axes(type(self).__name__, x, self.AXES + 2, shape=shape)
        return tuple(n if size is None else size for n, size in zip(x.shape[1:-1], self.output_size, strict=True))


class _AdaptiveAvg(_Adaptive):
    def forward(self, input: Tensor) -> pt.Tensor:
        op: Any = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[self.AXES - 1]
        y: pt.Tensor = op(input, self._sizes(input))
        return y


class _AdaptiveMax(_Adaptive, Maxima[B]):
    def __init__(self, output_size: Sizes, return_indices: B = False) -> None:  # type: ignore[assignment]
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Tensor | Pair:
        op: Any = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)[self.AXES - 1]
        return op(input, self._sizes(input), self.return_indices)


class AdaptiveAvgPool1d(_AdaptiveAvg):
    """The mean of each of `output_size` parts of [batch, time, channels].

    Example
        >>> pt.nn.AdaptiveAvgPool1d(2)(pt.ones((2, 8, 3))).shape
        (2, 2, 3)
    """

    AXES = 1


class AdaptiveAvgPool2d(_AdaptiveAvg):
    """The mean of each of `output_size` parts of [batch, height, width, channels]; None leaves an axis as it is.

    Example
        >>> pt.nn.AdaptiveAvgPool2d(2)(pt.ones((2, 8, 8, 3))).shape
        (2, 2, 2, 3)
    """

    AXES = 2


class AdaptiveAvgPool3d(_AdaptiveAvg):
    """The mean of each of `output_size` parts of [batch, depth, height, width, channels]; None leaves an axis.

    Example
        >>> pt.nn.AdaptiveAvgPool3d(2)(pt.ones((2, 4, 4, 4, 3))).shape
        (2, 2, 2, 2, 3)
    """

    AXES = 3


class AdaptiveMaxPool1d(_AdaptiveMax[B]):
    """The maximum of each of `output_size` parts of [batch, time, channels].

    With `return_indices`, (the values, their places), as MaxUnpool1d takes them.

    Example
        >>> pt.nn.AdaptiveMaxPool1d(2)(pt.ones((2, 8, 3))).shape
        (2, 2, 3)
    """

    AXES = 1


class AdaptiveMaxPool2d(_AdaptiveMax[B]):
    """The maximum of each of `output_size` parts of [batch, height, width, channels]; None leaves an axis as it is.

    Example
        >>> pt.nn.AdaptiveMaxPool2d(2)(pt.ones((2, 8, 8, 3))).shape
        (2, 2, 2, 3)
    """

    AXES = 2


class AdaptiveMaxPool3d(_AdaptiveMax[B]):
    """The maximum of each of `output_size` parts of [batch, depth, height, width, channels]; None leaves an axis.

    Example
        >>> pt.nn.AdaptiveMaxPool3d(2)(pt.ones((2, 4, 4, 4, 3))).shape
        (2, 2, 2, 2, 3)
    """

    AXES = 3
