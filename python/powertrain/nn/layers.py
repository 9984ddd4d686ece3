"""Layers of weights over the last axis, and axes as one or as several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import checks, init
from powertrain.nn.init.later import parameter
from powertrain.nn.module import Module, Parameter

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.typing import Device, DTypeLike

__all__ = ["Bilinear", "Flatten", "Linear", "Unflatten"]


class Linear(Module):
    """x @ weight + bias, with weight (in, out).

    Both are uniform in +-1/sqrt(in); with `std`, the weight is normal(0, std) and the bias zero.

    Example
        >>> pt.nn.Linear(3, 2)(pt.ones((4, 3))).shape
        (4, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Device = None,
        dtype: DTypeLike | None = None,
        *,
        std: float | None = None,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        checks.sizes("Linear", in_features=in_features, out_features=out_features)
        self.in_features, self.out_features = in_features, out_features
        if std is None:
            self.weight = parameter(init.uniform_fan_in, (in_features, out_features), in_features, generator=generator)
            self.bias = Parameter(init.uniform_fan_in((out_features,), in_features, generator)) if bias else None
        else:
            checks.numbers("Linear", 0, std=std)
            self.weight = parameter(init.normal, (in_features, out_features), std, generator=generator)
            self.bias = Parameter(init.zeros((out_features,))) if bias else None
        self._settle(device, dtype)

    def torch_layout(self, name: str) -> tuple[int, ...] | None:
        return (1, 0) if name == "weight" else None

    def forward(self, input: Tensor) -> pt.Tensor:
        try:
            return F.linear(input, self.weight, self.bias)
        except pt.ShapeError:
            self._check_width(input)
            raise

    def _check_width(self, input: Tensor) -> None:
        """Say which layer it is by its numbers: the op knows a weight alone."""
        shape = checks.shape_of(input)
        if not shape or shape[-1] == self.in_features:
            return
        given, wanted = math.prod(shape[1:]), self.in_features
        fix = (
            "flatten it before: x.flatten(1)"
            if len(shape) > 2 and given == wanted
            else f"change the layer before it, or write Linear({shape[-1]}, {self.out_features})"
        )
        raise pt.ShapeError(
            f"[Linear] input is {list(shape)}; expected a last axis of {wanted}, which is in_features of this "
            f"Linear({wanted}, {self.out_features}); {fix}"
        ) from None


class Bilinear(Module):
    """a W_k b + bias_k for each output k; weight (outputs, a's width, b's width), uniform in +-1/sqrt(a's width).

    Example
        >>> pt.nn.Bilinear(3, 2, 5)(pt.ones((4, 3)), pt.ones((4, 2))).shape
        (4, 5)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Device = None,
        dtype: DTypeLike | None = None,
        *,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        checks.sizes("Bilinear", in1_features=in1_features, in2_features=in2_features, out_features=out_features)
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        shape = (out_features, in1_features, in2_features)
        self.weight = Parameter(init.uniform_fan_in(shape, in1_features, generator))
        self.bias = Parameter(init.uniform_fan_in((out_features,), in1_features, generator)) if bias else None
        self._settle(device, dtype)

    def forward(self, input1: Tensor, input2: Tensor) -> pt.Tensor:
        """Shapes    input1 [..., in1_features], input2 [..., in2_features] -> [..., out_features]"""
        return F.bilinear(input1, input2, self.weight, self.bias)


class Flatten(Module):
    """The axes from `start_dim` to `end_dim` as one; by default each example as one row.

    Example
        >>> pt.nn.Flatten()(pt.ones((2, 8, 8, 3))).shape
        (2, 192)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        checks.sizes("Flatten", -64, start_dim=start_dim, end_dim=end_dim)
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> pt.Tensor:
        shape = tuple(input.shape)
        if len(shape) == 0:
            raise pt.ShapeError("[Flatten] input is a scalar; expected examples along a first axis; reshape it to (1,)")
        first, last = (dim + len(shape) if dim < 0 else dim for dim in (self.start_dim, self.end_dim))
        if len(shape) == 1 and first == 1 and last == 0:
            return pt.reshape(input, (shape[0], 1))  # each example, of one number, as a row
        if not 0 <= first <= last < len(shape):
            raise pt.ShapeError(
                f"[Flatten] input is {list(shape)}, axes {self.start_dim} to {self.end_dim}; expected axes of it in "
                "order; change start_dim or end_dim"
            )
        return pt.reshape(input, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


class Unflatten(Module):
    """One axis as several.

    Example
        >>> pt.nn.Unflatten(1, (2, 3))(pt.ones((4, 6))).shape
        (4, 2, 3)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        checks.sizes("Unflatten", -64, dim=dim)
        for size in unflattened_size:
            checks.sizes("Unflatten", -1, **{"one of unflattened_size": size})
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, input: Tensor) -> pt.Tensor:
        axis = range(input.ndim)[self.dim]
        return pt.reshape(input, (*input.shape[:axis], *self.unflattened_size, *input.shape[axis + 1 :]))
