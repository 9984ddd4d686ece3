"""Norms of each row: over the last axis, or over several as one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import powertrain as pt
from powertrain.nn import checks, init
from powertrain.nn.module import Module, Parameter
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.typing import Device, DTypeLike

__all__ = ["LayerNorm", "RMSNorm"]

# The distance from 1 to the next number.
_EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}


class _OverLast(Module):
    """A norm over the trailing axes of `normalized_shape`: one, or several as one."""

    def _begin(self, normalized_shape: int | Sequence[int], eps: float | None) -> None:
        super().__init__()
        where = type(self).__name__
        several = isinstance(normalized_shape, (tuple, list))
        shape: Any = tuple(normalized_shape) if several else (normalized_shape,)  # type: ignore[arg-type]
        if not shape or not all(checks.whole(size, 0) for size in shape):
            raise pt.ShapeError(
                f"[{where}] normalized_shape = {normalized_shape!r}; expected a whole number from 0 to {checks.MOST}, "
                "or a tuple of them; it is the sizes of the last axes"
            )
        if eps is not None:
            checks.numbers(where, 0, eps=eps)
        self.normalized_shape: tuple[int, ...] = shape
        self.eps = eps

    def _rows(self, x: Any, *weights: Any) -> tuple[Any, ...]:
        """The input with the axes of normalized_shape as one, and the weights so."""
        count = len(self.normalized_shape)
        if tuple(x.shape[-count:]) != self.normalized_shape:
            raise pt.ShapeError(
                f"[{type(self).__name__}] input is {list(x.shape)}; expected last axes of "
                f"{list(self.normalized_shape)}; change normalized_shape"
            )
        if count == 1:
            return x, *weights
        size = math.prod(self.normalized_shape)
        flat = (None if slot is None else pt.reshape(slot, (size,)) for slot in weights)
        return pt.reshape(x, (*x.shape[:-count], size)), *flat


class LayerNorm(_OverLast):
    """Normalize the last axes to zero mean and unit variance, then scale and shift (Ba et al. 2016).

    Shapes    input [..., *normalized_shape], weight and bias [*normalized_shape] -> as input
    Example
        >>> pt.nn.LayerNorm(3)(pt.ones((4, 3))).shape
        (4, 3)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Device = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        self._begin(normalized_shape, eps)
        self.elementwise_affine = elementwise_affine
        self.weight = Parameter(init.ones(self.normalized_shape)) if elementwise_affine else None
        self.bias = Parameter(init.zeros(self.normalized_shape)) if elementwise_affine and bias else None
        self._settle(device, dtype)

    def forward(self, input: Tensor) -> pt.Tensor:
        rows, weight, bias = self._rows(input, self.weight, self.bias)
        y = OPERATORS["layer_norm"](rows, weight, bias, self.eps)
        return y if len(self.normalized_shape) == 1 else pt.reshape(y, input.shape)


class RMSNorm(_OverLast):
    """Divide the last axes by their root mean square, then scale (Zhang and Sennrich 2019).

    `eps=None` is the distance from 1 to the next number of the input's dtype, as in PyTorch.

    Shapes    input [..., *normalized_shape], weight [*normalized_shape] -> as input
    Example
        >>> pt.nn.RMSNorm(3)(pt.ones((4, 3))).shape
        (4, 3)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Device = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        self._begin(normalized_shape, eps)
        self.elementwise_affine = elementwise_affine
        self.weight = Parameter(init.ones(self.normalized_shape)) if elementwise_affine else None
        self._settle(device, dtype)

    def forward(self, input: Tensor) -> pt.Tensor:
        rows, weight = self._rows(input, self.weight)
        if weight is None:
            weight = pt.ones((rows.shape[-1],), rows.dtype)
        eps = _EPS[rows.dtype.name] if self.eps is None else self.eps
        y = OPERATORS["rms_norm"](rows, weight, eps)
        return y if len(self.normalized_shape) == 1 else pt.reshape(y, input.shape)
