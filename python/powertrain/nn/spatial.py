"""Layers over sequences, images and volumes, channels last."""

from __future__ import annotations

from typing import Any, Literal

import powertrain as pt
from powertrain.nn import init
from powertrain.nn.layers import Pair, check_groups, checked_share, pair
from powertrain.nn.module import Module, Parameter

Triple = int | tuple[int, int, int]


class Conv1d(Module):
    """Convolution of [batch, time, channels]; weight (kernel, in / groups, out)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        check_groups("Conv1d", inputs, outputs, groups)
        fan_in = kernel * (inputs // groups)
        self.weight = Parameter(init.uniform_fan_in((kernel, inputs // groups, outputs), fan_in, generator))
        self.bias = Parameter(init.uniform_fan_in((outputs,), fan_in, generator)) if bias else None
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups

    def torch_layout(self, name: str) -> tuple[int, ...] | None:
        return (2, 1, 0) if name == "weight" else None

    def forward(self, x: Any) -> pt.Tensor:
        return pt.conv1d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Conv3d(Module):
    """Convolves [batch, depth, height, width, channels]; weight (kernel depth, height, width, in / groups, out)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: Triple,
        *,
        stride: Triple = 1,
        padding: Triple = 0,
        dilation: Triple = 1,
        groups: int = 1,
        bias: bool = True,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        check_groups("Conv3d", inputs, outputs, groups)
        sizes = (kernel,) * 3 if isinstance(kernel, int) else kernel
        fan_in = sizes[0] * sizes[1] * sizes[2] * (inputs // groups)
        self.weight = Parameter(init.uniform_fan_in((*sizes, inputs // groups, outputs), fan_in, generator))
        self.bias = Parameter(init.uniform_fan_in((outputs,), fan_in, generator)) if bias else None
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups

    def torch_layout(self, name: str) -> tuple[int, ...] | None:
        return (2, 3, 4, 1, 0) if name == "weight" else None

    def forward(self, x: Any) -> pt.Tensor:
        return pt.conv3d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class AdaptiveAvgPool2d(Module):
    """The mean of each of so many parts of an image."""

    def __init__(self, size: Pair) -> None:
        super().__init__()
        self.size = pair(size)

    def forward(self, x: Any) -> pt.Tensor:
        return pt.adaptive_avg_pool2d(x, self.size)


class AdaptiveMaxPool2d(Module):
    """The maximum of each of so many parts of an image."""

    def __init__(self, size: Pair) -> None:
        super().__init__()
        self.size = pair(size)

    def forward(self, x: Any) -> pt.Tensor:
        return pt.adaptive_max_pool2d(x, self.size)


class LPPool2d(Module):
    """The p-th root of the sum of x^p over each window; the stride is the window by default."""

    def __init__(self, ord: float, window: Pair, stride: Pair | None = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.ord, self.window, self.ceil_mode = ord, pair(window), ceil_mode
        self.stride = self.window if stride is None else pair(stride)

    def forward(self, x: Any) -> pt.Tensor:
        return pt.lp_pool2d(x, self.ord, window=self.window, stride=self.stride, ceil_mode=self.ceil_mode)


class Upsample(Module):
    """Images at another size, given as such or as a factor.

    A size that the factor does not make whole is rounded down; pixels are as dense as the factor says all the same.
    """

    def __init__(
        self,
        size: Pair | None = None,
        factor: float | None = None,
        mode: Literal["nearest", "bilinear", "bicubic"] = "nearest",
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        if (size is None) == (factor is None):
            raise pt.ShapeError(
                f"[Upsample] size = {size}, factor = {factor}; expected one of them; factor=2 doubles sizes"
            )
        self.size, self.factor, self.mode, self.align_corners = size, factor, mode, align_corners

    def forward(self, x: Any) -> pt.Tensor:
        size = self.size
        if self.factor is not None:
            size = (int(x.shape[1] * self.factor), int(x.shape[2] * self.factor))
        assert size is not None
        return pt.interpolate(x, size, self.mode, self.align_corners, self.factor)


class PixelShuffle(Module):
    """Channels of a pixel as a square of pixels."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Any) -> pt.Tensor:
        return pt.pixel_shuffle(x, self.factor)


class PixelUnshuffle(Module):
    """Squares of pixels as channels of one."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Any) -> pt.Tensor:
        return pt.pixel_unshuffle(x, self.factor)


class Dropout1d(Module):
    """In training, each channel of each example is 0 with probability p and else divided by 1 - p.

    Of any number of axes; draws come from the default generator (Tompson et al. 2015).
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = checked_share(type(self).__name__, p)

    def forward(self, x: Any) -> Any:
        if not self.training or self.p == 0:
            return x
        return pt.where(by_channel(x) >= self.p, x * (1 / (1 - self.p)), 0.0)


class Dropout2d(Dropout1d):
    """Dropout1d of images."""


class Dropout3d(Dropout1d):
    """Dropout1d of volumes."""


def by_channel(x: Any) -> pt.Tensor:
    """One draw in [0, 1) for each channel of each example."""
    return pt.random.uniform((x.shape[0], *[1] * (x.ndim - 2), x.shape[-1]))


class AlphaDropout(Module):
    """Dropout for selu: dropped values become its limit at -infinity, and mean and variance stay.

    Draws come from the default generator (Klambauer et al. 2017).
    """

    LIMIT = -1.7580993408473766

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = checked_share(type(self).__name__, p)

    def _drawn(self, x: Any) -> pt.Tensor:
        return pt.random.uniform(x.shape)

    def forward(self, x: Any) -> Any:
        if not self.training or self.p == 0:
            return x
        kept = self._drawn(x) >= self.p
        scale = 1 / ((1 - self.p) * (1 + self.p * self.LIMIT**2)) ** 0.5
        return (pt.where(kept, x, self.LIMIT) - self.LIMIT * self.p) * scale


class FeatureAlphaDropout(AlphaDropout):
    """AlphaDropout of whole channels."""

    def _drawn(self, x: Any) -> pt.Tensor:
        return by_channel(x)
