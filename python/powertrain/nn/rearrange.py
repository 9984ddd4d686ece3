"""Images at another size, their windows, and channels in another order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import checks
from powertrain.nn.module import Module

if TYPE_CHECKING:
    from powertrain import Tensor

__all__ = [
    "ChannelShuffle", "Fold", "PixelShuffle", "PixelUnshuffle", "Unfold", "Upsample", "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
]  # fmt: skip

Pair = int | tuple[int, int]


class Upsample(Module):
    """Images [batch, height, width, channels] at another size, given as such or as a factor.

    A size that the factor does not make whole is rounded down; pixels are as dense as the factor says all the same.

    Example
        >>> pt.nn.Upsample(scale_factor=2)(pt.ones((2, 8, 8, 3))).shape
        (2, 16, 16, 3)
    """

    def __init__(
        self,
        size: Pair | None = None,
        scale_factor: float | tuple[float, float] | None = None,
        mode: Literal["nearest", "bilinear", "bicubic"] = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        checks.fixed("Upsample", recompute_scale_factor=recompute_scale_factor)
        if (size is None) == (scale_factor is None):
            raise checks.SettingError(
                f"[Upsample] size = {size}, scale_factor = {scale_factor}; expected one of them; scale_factor=2 "
                "doubles sizes"
            )
        if isinstance(scale_factor, (tuple, list)) and len(set(scale_factor)) == 1:
            scale_factor = scale_factor[0]
        if scale_factor is None:
            checks.per_axis("Upsample", 2, 1, size=size)
        else:
            checks.numbers("Upsample", above=0, scale_factor=scale_factor)
        checks.choice("Upsample", ("nearest", "bilinear", "bicubic"), mode=mode)
        self.size, self.scale_factor, self.mode, self.align_corners = size, scale_factor, mode, align_corners

    def forward(self, input: Tensor) -> pt.Tensor:
        size, factor = self.size, self.scale_factor
        if factor is not None:
            assert not isinstance(factor, tuple)
            size = (int(input.shape[1] * factor), int(input.shape[2] * factor))
        assert size is not None
        return F.interpolate(input, size, factor, self.mode, bool(self.align_corners))


class UpsamplingNearest2d(Upsample):
    """Upsample of mode "nearest", of images [n, h, w, c].

    Example
        >>> pt.nn.UpsamplingNearest2d(scale_factor=2)(pt.ones((2, 8, 8, 3))).shape
        (2, 16, 16, 3)
    """

    def __init__(self, size: Pair | None = None, scale_factor: float | tuple[float, float] | None = None) -> None:
        super().__init__(size, scale_factor)


class UpsamplingBilinear2d(Upsample):
    """Upsample of mode "bilinear" whose corners stay where they are, of images [n, h, w, c].

    Example
        >>> pt.nn.UpsamplingBilinear2d(scale_factor=2)(pt.ones((2, 8, 8, 3))).shape
        (2, 16, 16, 3)
    """

    def __init__(self, size: Pair | None = None, scale_factor: float | tuple[float, float] | None = None) -> None:
        super().__init__(size, scale_factor, "bilinear", True)


class Unfold(Module):
    """The windows of images: [n, h, w, c] to [n, oh, ow, kh kw c], tap by tap.

    PyTorch's has the windows in one axis behind the channels, which come tap by channel: [n, c kh kw, oh ow].

    >>> pt.nn.Unfold(3, padding=1)(pt.ones((1, 5, 5, 2))).shape
    (1, 5, 5, 18)
    """

    def __init__(self, kernel_size: Pair, dilation: Pair = 1, padding: Pair = 0, stride: Pair = 1) -> None:
        super().__init__()
        where = type(self).__name__
        checks.per_axis(where, 2, 1, kernel_size=kernel_size, dilation=dilation, stride=stride)
        checks.per_axis(where, 2, padding=padding)
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Tensor) -> pt.Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(Unfold):
    """Images from their windows, which are added at their places: [n, oh, ow, kh kw c] to [n, h, w, c].

    >>> pt.nn.Fold((4, 4), 2, stride=2)(pt.ones((1, 2, 2, 12))).shape
    (1, 4, 4, 3)
    """

    def __init__(
        self, output_size: Pair, kernel_size: Pair, dilation: Pair = 1, padding: Pair = 0, stride: Pair = 1
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        checks.per_axis("Fold", 2, 1, output_size=output_size)
        self.output_size = output_size

    def forward(self, input: Tensor) -> pt.Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)


class PixelShuffle(Module):
    """Channels of a pixel as a square of pixels, of [batch, height, width, channels].

    Example
        >>> pt.nn.PixelShuffle(2)(pt.ones((1, 4, 4, 12))).shape
        (1, 8, 8, 3)
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        checks.sizes("PixelShuffle", 1, upscale_factor=upscale_factor)
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> pt.Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)


class PixelUnshuffle(Module):
    """Squares of pixels as channels of one, of [batch, height, width, channels].

    Example
        >>> pt.nn.PixelUnshuffle(2)(pt.ones((1, 4, 4, 3))).shape
        (1, 2, 2, 12)
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        checks.sizes("PixelUnshuffle", 1, downscale_factor=downscale_factor)
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> pt.Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)


class ChannelShuffle(Module):
    """Channels, the last axis, read across groups instead of along them (Zhang et al. 2018).

    Example
        >>> pt.nn.ChannelShuffle(2)(pt.ones((1, 4, 4, 6))).shape
        (1, 4, 4, 6)
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        checks.sizes("ChannelShuffle", 1, groups=groups)
        self.groups = groups

    def forward(self, input: Tensor) -> pt.Tensor:
        return F.channel_shuffle(input, self.groups)
