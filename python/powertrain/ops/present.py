"""Products, running sums and places of extremes that pass over NaN; the others are in statistics.py."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from powertrain import _core
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


def _with(x: Any, value: float) -> _core.Tensor:
    """x with a value in place of NaN."""
    tensor = _core.asarray(x)
    if not (tensor.dtype.is_float or tensor.dtype.is_complex):
        return tensor
    return OPERATORS["where"](OPERATORS["equal"](tensor, tensor), tensor, value)


def nanprod(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> _core.Tensor:
    """The product over axes, NaN counted as 1.

    Shapes    x [...] -> x without the axes; keepdims leaves size 1 where an axis was
    Dtypes    as prod
    Errors    an axis that x does not have
    Grad      x; 0 where it is NaN
    Source    NumPy, nanprod
    Example
        >>> import powertrain as pt
        >>> pt.nanprod(pt.tensor([2.0, float("nan"), 3.0])).item()
        6.0
    """
    return OPERATORS["prod"](_with(x, 1), axis, keepdims)


def _running(op: str, x: Any, axis: int | None, value: float) -> _core.Tensor:
    tensor = _with(x, value)
    return OPERATORS[op](OPERATORS["reshape"](tensor, (-1,)) if axis is None else tensor, 0 if axis is None else axis)


def nancumsum(x: TensorLike, axis: int | None = None) -> _core.Tensor:
    """Running sums along an axis, NaN counted as 0; of all elements in their order without an axis.

    Shapes    x [..., n, ...] -> [..., n, ...]; [number of elements] without an axis
    Dtypes    as cumulative_sum
    Errors    an axis that x does not have
    Grad      x; 0 where it is NaN
    Source    NumPy, nancumsum
    Example
        >>> import powertrain as pt
        >>> pt.nancumsum(pt.tensor([1.0, float("nan"), 2.0])).numpy().tolist()
        [1.0, 1.0, 3.0]
    """
    return _running("cumulative_sum", x, axis, 0)


def nancumprod(x: TensorLike, axis: int | None = None) -> _core.Tensor:
    """Running products along an axis, NaN counted as 1; of all elements in their order without an axis.

    Shapes    x [..., n, ...] -> [..., n, ...]; [number of elements] without an axis
    Dtypes    as cumulative_prod
    Errors    an axis that x does not have
    Grad      x; 0 where it is NaN
    Source    NumPy, nancumprod
    Example
        >>> import powertrain as pt
        >>> pt.nancumprod(pt.tensor([2.0, float("nan"), 3.0])).numpy().tolist()
        [2.0, 2.0, 6.0]
    """
    return _running("cumulative_prod", x, axis, 1)


def nanargmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> _core.Tensor:
    """The index of the largest element along an axis that is not NaN; 0 where there is none.

    Shapes    x [..., n, ...] -> x without the axis; keepdims leaves size 1 there
    Errors    an axis that x does not have, or that is empty
    Source    NumPy, nanargmax, which raises where all are NaN
    Example
        >>> import powertrain as pt
        >>> pt.nanargmax(pt.tensor([1.0, float("nan"), 2.0])).item()
        2
    """
    return OPERATORS["argmax"](_with(x, -math.inf), axis, keepdims)


def nanargmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> _core.Tensor:
    """The index of the smallest element along an axis that is not NaN; 0 where there is none.

    Shapes    x [..., n, ...] -> x without the axis; keepdims leaves size 1 there
    Errors    an axis that x does not have, or that is empty
    Source    NumPy, nanargmin, which raises where all are NaN
    Example
        >>> import powertrain as pt
        >>> pt.nanargmin(pt.tensor([2.0, float("nan"), 1.0])).item()
        2
    """
    return OPERATORS["argmin"](_with(x, math.inf), axis, keepdims)
