"""Transposed convolutions of sequences, images and volumes, channels last."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import powertrain as pt
from powertrain.nn import checks, init
from powertrain.nn.module import Module, Parameter

Numbers = int | tuple[int, ...]


class _ConvTranspose(Module):
    """Weight (kernel..., out / groups, in); numbers are one for all axes of space, or one per axis."""

    AXES: ClassVar[int] = 1

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: Numbers,
        *,
        stride: Numbers = 1,
        padding: Numbers = 0,
        output_padding: Numbers = 0,
        dilation: Numbers = 1,
        groups: int = 1,
        bias: bool = True,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        where = type(self).__name__
        checks.sizes(where, inputs=inputs, outputs=outputs)
        checks.groups(where, inputs, outputs, groups)
        checks.per_axis(where, self.AXES, 1, kernel=kernel, stride=stride, dilation=dilation)
        checks.per_axis(where, self.AXES, padding=padding, output_padding=output_padding)
        sizes = (kernel,) * self.AXES if isinstance(kernel, int) else tuple(kernel)
        fan_in = math.prod(sizes) * (outputs // groups)
        self.weight = Parameter(init.uniform_fan_in((*sizes, outputs // groups, inputs), fan_in, generator))
        self.bias = Parameter(init.uniform_fan_in((outputs,), fan_in, generator)) if bias else None
        self.stride, self.padding, self.output_padding = stride, padding, output_padding
        self.dilation, self.groups = dilation, groups

    def torch_layout(self, name: str) -> tuple[int, ...] | None:
        return (*range(2, self.AXES + 2), 1, 0) if name == "weight" else None

    def forward(self, x: Any) -> pt.Tensor:
        where = (self.stride, self.padding, self.output_padding, self.dilation)
        y: pt.Tensor = getattr(pt, f"conv_transpose{self.AXES}d")(x, self.weight, self.bias, *where, self.groups)
        return y


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution of [batch, time, channels]; weight (kernel, out / groups, in)."""


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of [batch, height, width, channels]; weight (kernel height, width, out / groups, in)."""

    AXES = 2


class ConvTranspose3d(_ConvTranspose):
    """Of [batch, depth, height, width, channels]; weight (kernel depth, height, width, out / groups, in)."""

    AXES = 3
