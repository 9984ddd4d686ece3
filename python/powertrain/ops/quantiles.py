"""Quantiles, several at once and over several axes, and those that pass over NaN."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from powertrain import _core
from powertrain.ops.axes import all_axes
from powertrain.ops.functional import OPERATORS
from powertrain.ops.searching import known

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


def _shares(q: Any, where: str) -> tuple[list[float], tuple[int, ...]]:
    """The shares that are asked for, and the shape in which."""
    import numpy as np

    # A list of numbers would be rounded to float32 as a tensor.
    array = known(q, where, "pass numbers")[1] if isinstance(q, (_core.Tensor, _core.Slot)) else np.asarray(q)
    if array.dtype.kind not in "fiu" and array.size:
        raise _core.DTypeError(f"[{where}] q is {array.dtype}; expected shares from 0 to 1; 0.5 is the median")
    shares = [float(share) for share in array.reshape(-1)]
    if not all(0 <= share <= 1 for share in shares):
        raise _core.ShapeError(f"[{where}] q = {array.tolist()}; expected shares from 0 to 1; a percentage is q / 100")
    return shares, array.shape


def _over_axes(
    x: Any, q: Any, axis: int | Sequence[int] | None, keepdims: bool, where: str, of_row: Callable[..., _core.Tensor]
) -> _core.Tensor:
    """One result for each share of the rows in which the named axes are one, in front if there are several."""
    tensor = _core.asarray(x)
    axes = all_axes(tensor, axis, where)
    others = [i for i in range(tensor.ndim) if i not in axes]
    rows = OPERATORS["moveaxis"](tensor, axes, list(range(len(others), tensor.ndim))) if axes else tensor
    rows = OPERATORS["reshape"](rows, (*(tensor.shape[i] for i in others), math.prod(tensor.shape[i] for i in axes)))
    if rows.shape[-1] == 0:
        raise _core.ShapeError(f"[{where}] x is {list(tensor.shape)}; expected elements along the axes; name others")
    shares, shape = _shares(q, where)
    kept = tuple(1 if i in axes else n for i, n in enumerate(tensor.shape) if keepdims or i not in axes)
    found = [OPERATORS["reshape"](of_row(rows, share), kept) for share in shares]
    if shape == ():
        return found[0]
    if not found:
        return _core.full((*shape, *kept), 0, of_row(rows, 0.5).dtype)
    return OPERATORS["reshape"](OPERATORS["stack"](found, 0), (*shape, *kept))


def quantile(
    x: TensorLike, q: TensorLike = 0.5, axis: int | Sequence[int] | None = None, keepdims: bool = False
) -> _core.Tensor:
    """The value below which a share q of the elements lies, on the straight line between its neighbours in order.

    Shapes    x [...], q a number or [k...] -> [k...] in front of x without the axes; keepdims leaves size 1 for each
    Dtypes    floats; integers are computed in float32
    Errors    an axis that x does not have, or without elements; q outside 0 to 1, or not known
    Grad      x; to the two neighbours
    Numerics  NaN where there is one
    Source    NumPy, quantile
    Example
        >>> import powertrain as pt
        >>> pt.quantile(pt.arange(5), [0.25, 0.5]).numpy().tolist()
        [1.0, 2.0]
    """
    return _over_axes(x, q, axis, keepdims, "quantile", lambda row, share: OPERATORS["quantile"](row, share, -1))


def nanquantile(
    x: TensorLike, q: TensorLike = 0.5, axis: int | Sequence[int] | None = None, keepdims: bool = False
) -> _core.Tensor:
    """The quantile of the elements that are not NaN; NaN where there are none.

    Shapes    x [...], q a number or [k...] -> [k...] in front of x without the axes; keepdims leaves size 1 for each
    Dtypes    floats; integers are computed in float32
    Errors    an axis that x does not have, or without elements; q outside 0 to 1, or not known
    Grad      x; to the two neighbours
    Source    NumPy, nanquantile
    Example
        >>> import powertrain as pt
        >>> pt.nanquantile(pt.tensor([1.0, float("nan"), 3.0]), 0.5).item()
        2.0
    """
    return _over_axes(x, q, axis, keepdims, "nanquantile", _present_quantile)


def nanmedian(x: TensorLike, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> _core.Tensor:
    """The middle element in order of those that are not NaN, or the mean of the two in the middle; NaN without any.

    Shapes    x [...] -> x without the axes; keepdims leaves size 1 where an axis was
    Dtypes    floats; integers are computed in float32
    Errors    an axis that x does not have, or without elements
    Grad      x; half to each of two in the middle
    Source    NumPy, nanmedian
    Example
        >>> import powertrain as pt
        >>> pt.nanmedian(pt.tensor([1.0, float("nan"), 3.0, 7.0])).item()
        3.0
    """
    return _over_axes(x, 0.5, axis, keepdims, "nanmedian", _present_quantile)


def _present_quantile(rows: _core.Tensor, share: float) -> _core.Tensor:
    """Of the last axis: in order, NaN stands behind the others."""
    if not rows.dtype.is_float:
        return OPERATORS["quantile"](rows, share, -1)
    wide = OPERATORS["astype"](rows, "float32") if rows.dtype.name in ("float16", "bfloat16") else rows
    row = OPERATORS["sort"](wide)
    count = OPERATORS["count_nonzero"](OPERATORS["equal"](row, row), -1, True)
    place = OPERATORS["maximum"](OPERATORS["astype"](count, "float64") - 1, 0) * share
    below = OPERATORS["floor"](place)
    index = OPERATORS["astype"](below, "int64")
    above = OPERATORS["minimum"](index + 1, OPERATORS["maximum"](count - 1, 0))
    first, second = (OPERATORS["take_along_axis"](row, one) for one in (index, above))
    between = OPERATORS["astype"](place - below, wide.dtype)
    found = OPERATORS["where"](between == 0, first, first + between * (second - first))
    return OPERATORS["astype"](OPERATORS["squeeze"](found, -1), rows.dtype)
