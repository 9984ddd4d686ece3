"""Convolutions of sequences, images and volumes, channels last, and their transposes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import checks, init
from powertrain.nn.module import Module, Parameter
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.typing import Device, DTypeLike

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

Numbers = int | tuple[int, ...]
PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
_SHAPES = ("[batch, time, channels]", "[batch, height, width, channels]", "[batch, depth, height, width, channels]")


class _Conv(Module):
    """Weight (kernel..., in / groups, out), or (kernel..., out / groups, in) of a transpose.

    Numbers are one for all axes of space, or one per axis.
    """

    AXES: ClassVar[int]

    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    def _begin(self, given: dict[str, Any], channels: tuple[int, int], padding_mode: str) -> None:
        """Check the settings and keep them, the numbers of `given` as one for each axis."""
        super().__init__()
        where = type(self).__name__
        checks.sizes(where, in_channels=channels[0], out_channels=channels[1])
        checks.groups(where, *channels, given["groups"])
        checks.choice(where, ("zeros", "reflect", "replicate", "circular"), padding_mode=padding_mode)
        self.in_channels, self.out_channels = channels
        self.groups, self.padding_mode = given.pop("groups"), padding_mode
        for name, value in given.items():
            least = 0 if name.endswith("padding") else 1
            checks.per_axis(where, self.AXES, least, **{name: value})
            setattr(self, name, checks.spread(value, self.AXES))

    def _draw(self, shape: tuple[int, ...], bias: bool, generator: Any, device: Any, dtype: Any) -> None:
        fan_in = math.prod(shape[:-1])
        self.weight = Parameter(init.uniform_fan_in(shape, fan_in, generator))
        self.bias = Parameter(init.uniform_fan_in((self.out_channels,), fan_in, generator)) if bias else None
        self._settle(device, dtype)

    def torch_layout(self, name: str) -> tuple[int, ...] | None:
        return (*range(2, self.AXES + 2), 1, 0) if name == "weight" else None

    def _check(self, x: Any) -> None:
        if x.ndim != self.AXES + 2 or x.shape[-1] != self.in_channels:
            raise pt.ShapeError(
                f"[{type(self).__name__}] input is {list(x.shape)}; expected {_SHAPES[self.AXES - 1]} of "
                f"{self.in_channels} channels; move the channels last, pt.moveaxis(x, 1, -1), or change in_channels"
            )


class _Forward(_Conv):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Numbers,
        stride: Numbers = 1,
        padding: Numbers | Literal["same", "valid"] = 0,
        dilation: Numbers = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        device: Device = None,
        dtype: DTypeLike | None = None,
        *,
        generator: pt.random.Generator | None = None,
    ) -> None:
        given = {"kernel_size": kernel_size, "stride": stride, "dilation": dilation, "groups": groups}
        if not isinstance(padding, str):
            given["padding"] = padding
        self._begin(given, (in_channels, out_channels), padding_mode)
        if isinstance(padding, str):
            checks.choice(type(self).__name__, ("same", "valid"), padding=padding)
            if padding == "same" and max(self.stride) > 1:
                raise checks.SettingError(
                    f"[{type(self).__name__}] padding = 'same', stride = {stride}; expected stride = 1, since a larger "
                    "one gives another size; give padding as a number"
                )
        self.padding: Any = padding if isinstance(padding, str) else checks.spread(padding, self.AXES)
        self._sides = self._find_sides()
        self._draw((*self.kernel_size, in_channels // groups, out_channels), bias, generator, device, dtype)

    def _find_sides(self) -> tuple[tuple[int, int], ...]:
        """How many elements are added before and after each axis of space."""
        if self.padding == "valid":
            return ((0, 0),) * self.AXES
        if self.padding == "same":
            totals = [step * (size - 1) for step, size in zip(self.dilation, self.kernel_size, strict=True)]
            return tuple((total // 2, total - total // 2) for total in totals)
        return tuple((number, number) for number in self.padding)

    def forward(self, input: Tensor) -> pt.Tensor:
        self._check(input)
        padding: tuple[int, ...] = tuple(before for before, _ in self._sides)
        if self.padding_mode != "zeros" or any(before != after for before, after in self._sides):
            mode: Any = "constant" if self.padding_mode == "zeros" else self.padding_mode
            before, after = zip(*self._sides, strict=True)
            input = OPERATORS["pad"](input, (0, *before, 0), (0, *after, 0), 0.0, mode)
            padding = (0,) * self.AXES
        op = (F.conv1d, F.conv2d, F.conv3d)[self.AXES - 1]
        y: pt.Tensor = op(input, self._kernel(), self.bias, self.stride, padding, self.dilation, self.groups)
        return y

    def _kernel(self) -> Any:
        """The weight as floats."""
        return self.weight


class Conv1d(_Forward):
    """Convolution of [batch, time, channels]; weight (kernel, in / groups, out).

    Example
        >>> pt.nn.Conv1d(3, 5, kernel_size=3, padding=1)(pt.ones((2, 8, 3))).shape
        (2, 8, 5)
    """

    AXES = 1


class Conv2d(_Forward):
    """Convolution of [batch, height, width, channels]; weight (kernel height, kernel width, in / groups, out).

    Example
        >>> pt.nn.Conv2d(3, 5, kernel_size=3, padding=1)(pt.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 5)
    """

    AXES = 2


class Conv3d(_Forward):
    """Of [batch, depth, height, width, channels]; weight (kernel depth, height, width, in / groups, out).

    Example
        >>> pt.nn.Conv3d(3, 5, kernel_size=3, padding=1)(pt.ones((2, 4, 4, 4, 3))).shape
        (2, 4, 4, 4, 5)
    """

    AXES = 3


class _Transpose(_Conv):
    output_padding: tuple[int, ...]
    padding: tuple[int, ...]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Numbers,
        stride: Numbers = 1,
        padding: Numbers = 0,
        output_padding: Numbers = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Numbers = 1,
        padding_mode: Literal["zeros"] = "zeros",
        device: Device = None,
        dtype: DTypeLike | None = None,
        *,
        generator: pt.random.Generator | None = None,
    ) -> None:
        checks.fixed(type(self).__name__, padding_mode=padding_mode)
        given = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "output_padding": output_padding}
        given |= {"dilation": dilation, "groups": groups}
        self._begin(given, (in_channels, out_channels), padding_mode)
        # The fan in is as PyTorch has it: of the channels that go out.
        shape = (*self.kernel_size, out_channels // groups, in_channels)
        self._draw(shape, bias, generator, device, dtype)

    def _added(self, x: Any, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """output_padding, or what gives the size that is asked for."""
        if output_size is None:
            return self.output_padding
        wanted = tuple(output_size)
        settings = zip(x.shape[1:-1], self.stride, self.padding, self.dilation, self.kernel_size, strict=True)
        least = [(n - 1) * step - 2 * pad + dilation * (k - 1) + 1 for n, step, pad, dilation, k in settings]
        most = [size + step - 1 for size, step in zip(least, self.stride, strict=True)]
        fits = len(wanted) == self.AXES and all(a <= n <= b for a, n, b in zip(least, wanted, most, strict=True))
        if not fits:
            raise pt.ShapeError(
                f"[{type(self).__name__}] output_size = {wanted}; expected sizes from {least} to {most}, without batch "
                "and channels; change output_size or stride"
            )
        return tuple(n - size for n, size in zip(wanted, least, strict=True))

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> pt.Tensor:
        self._check(input)
        added = self._added(input, output_size)
        op = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[self.AXES - 1]
        where = (self.stride, self.padding, added, self.groups, self.dilation)
        y: pt.Tensor = op(input, self.weight, self.bias, *where)
        return y


class ConvTranspose1d(_Transpose):
    """Transposed convolution of [batch, time, channels]; weight (kernel, out / groups, in).

    Example
        >>> pt.nn.ConvTranspose1d(3, 5, kernel_size=2, stride=2)(pt.ones((2, 8, 3))).shape
        (2, 16, 5)
    """

    AXES = 1


class ConvTranspose2d(_Transpose):
    """Transposed convolution of [batch, height, width, channels]; weight (kernel height, width, out / groups, in).

    Example
        >>> pt.nn.ConvTranspose2d(3, 5, kernel_size=2, stride=2)(pt.ones((2, 8, 8, 3))).shape
        (2, 16, 16, 5)
    """

    AXES = 2


class ConvTranspose3d(_Transpose):
    """Of [batch, depth, height, width, channels]; weight (kernel depth, height, width, out / groups, in).

    Example
        >>> pt.nn.ConvTranspose3d(3, 5, kernel_size=2, stride=2)(pt.ones((2, 4, 4, 4, 3))).shape
        (2, 8, 8, 8, 5)
    """

    AXES = 3
