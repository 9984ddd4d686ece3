"""Statistics of arrays beyond the reductions: weighted means, covariances, and reductions that pass over NaN."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from powertrain import _core
from powertrain.ops.axes import all_axes
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Axis = int | Sequence[int] | None


def _floating(x: Any) -> _core.Tensor:
    """x as floats, integers in float32 as in every op."""
    tensor = _core.asarray(x)
    return tensor if tensor.dtype.is_float or tensor.dtype.is_complex else OPERATORS["astype"](tensor, "float32")


def _present(x: Any) -> tuple[_core.Tensor, _core.Tensor]:
    """x, and where it is a number."""
    tensor = _floating(x)
    return tensor, OPERATORS["equal"](tensor, tensor)


def nansum(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> _core.Tensor:
    """The sum over axes, NaN counted as 0.

    Shapes    x [...] -> x without the axes; keepdims leaves size 1 where an axis was
    Dtypes    as sum
    Errors    an axis that x does not have
    Grad      x; 0 where it is NaN
    Source    NumPy, nansum
    Example
        >>> import powertrain as pt
        >>> pt.nansum(pt.tensor([1.0, float("nan"), 2.0])).item()
        3.0
    """
    tensor = _core.asarray(x)
    if tensor.dtype.is_float or tensor.dtype.is_complex:
        tensor = OPERATORS["where"](OPERATORS["equal"](tensor, tensor), tensor, 0)
    return OPERATORS["sum"](tensor, axis, keepdims)


def nanmean(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> _core.Tensor:
    """The mean over axes of the elements that are not NaN; NaN where there are none.

    Shapes    x [...] -> x without the axes; keepdims leaves size 1 where an axis was
    Dtypes    floats and complex; integers are computed in float32
    Errors    an axis that x does not have
    Grad      x; 0 where it is NaN
    Source    NumPy, nanmean
    Example
        >>> import powertrain as pt
        >>> pt.nanmean(pt.tensor([1.0, float("nan"), 2.0])).item()
        1.5
    """
    return _mean(x, axis, keepdims, "nanmean")[0]


def _wide(x: _core.Tensor) -> _core.Tensor:
    """16-bit floats in float32, so that a result is rounded once."""
    return OPERATORS["astype"](x, "float32") if x.dtype.name in ("float16", "bfloat16") else x


def _mean(x: Any, axis: Axis, keepdims: bool, where: str) -> tuple[_core.Tensor, _core.Tensor]:
    """The mean of what is not NaN, and how many that are."""
    tensor, present = _present(x)
    axes = all_axes(tensor, axis, where)
    total = OPERATORS["sum"](OPERATORS["where"](present, _wide(tensor), 0), axes, keepdims)
    count = OPERATORS["sum"](OPERATORS["astype"](present, _real(total.dtype)), axes, keepdims)
    return OPERATORS["astype"](total / count, tensor.dtype), count


def _real(dtype: _core.DType) -> str:
    return {"complex64": "float32", "complex128": "float64"}.get(dtype.name, dtype.name)


def nanvar(x: TensorLike, axis: Axis = None, keepdims: bool = False, correction: float = 0.0) -> _core.Tensor:
    """The variance over axes of the elements that are not NaN; NaN where there are none.

    Shapes    x [...] -> x without the axes; keepdims leaves size 1 where an axis was
    Dtypes    floats; integers are computed in float32
    Errors    an axis that x does not have; complex numbers
    Grad      x; 0 where it is NaN
    Numerics  divided by n - correction, NaN where that is not above 0
    Source    NumPy, nanvar
    Example
        >>> import powertrain as pt
        >>> pt.nanvar(pt.tensor([1.0, float("nan"), 3.0])).item()
        1.0
    """
    return OPERATORS["astype"](_variance(x, axis, keepdims, correction, "nanvar"), _floating(x).dtype)


def _variance(x: Any, axis: Axis, keepdims: bool, correction: float, where: str) -> _core.Tensor:
    tensor, present = _present(x)
    if tensor.dtype.is_complex:
        raise _core.DTypeError(f"[{where}] received {tensor.dtype.name}; expected real numbers; take x.real or abs(x)")
    axes, wide = all_axes(tensor, axis, where), _wide(tensor)
    mean, _ = _mean(wide, axes, True, where)
    squares = OPERATORS["square"](OPERATORS["where"](present, wide, 0) - OPERATORS["where"](present, mean, 0))
    count = OPERATORS["sum"](OPERATORS["astype"](present, wide.dtype), axes, keepdims) - correction
    total = OPERATORS["sum"](squares, axes, keepdims)
    return OPERATORS["where"](count > 0, total / OPERATORS["where"](count > 0, count, 1), math.nan)


def nanstd(x: TensorLike, axis: Axis = None, keepdims: bool = False, correction: float = 0.0) -> _core.Tensor:
    """The standard deviation over axes of the elements that are not NaN: the root of nanvar.

    Shapes    x [...] -> x without the axes; keepdims leaves size 1 where an axis was
    Dtypes    floats; integers are computed in float32
    Errors    an axis that x does not have; complex numbers
    Grad      x; 0 where it is NaN, and where the deviation is 0
    Numerics  divided by n - correction, NaN where that is not above 0
    Source    NumPy, nanstd
    Example
        >>> import powertrain as pt
        >>> pt.nanstd(pt.tensor([1.0, float("nan"), 3.0])).item()
        1.0
    """
    variance = _variance(x, axis, keepdims, correction, "nanstd")
    flat = variance == 0  # a root has no finite slope there
    root = OPERATORS["where"](flat, 0, OPERATORS["sqrt"](OPERATORS["where"](flat, 1, variance)))
    return OPERATORS["astype"](root, _floating(x).dtype)


def _extreme(x: Any, axis: Axis, keepdims: bool, op: str, lowest: float) -> _core.Tensor:
    tensor = _core.asarray(x)
    if not tensor.dtype.is_float:
        return OPERATORS[op](tensor, axis, keepdims)
    present = OPERATORS["equal"](tensor, tensor)
    found = OPERATORS[op](OPERATORS["where"](present, tensor, lowest), axis, keepdims)
    return OPERATORS["where"](OPERATORS["any"](present, axis, keepdims), found, math.nan)


def nanmax(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> _core.Tensor:
    """The largest element over axes that is not NaN; NaN where all are.

    Shapes    x [...] -> x without the axes; keepdims leaves size 1 where an axis was
    Dtypes    all numbers
    Errors    an axis that x does not have, or without elements
    Grad      x; equal elements share it
    Source    NumPy, nanmax
    Example
        >>> import powertrain as pt
        >>> pt.nanmax(pt.tensor([1.0, float("nan"), 2.0])).item()
        2.0
    """
    return _extreme(x, axis, keepdims, "max", -math.inf)


def nanmin(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> _core.Tensor:
    """The smallest element over axes that is not NaN; NaN where all are.

    Shapes    x [...] -> x without the axes; keepdims leaves size 1 where an axis was
    Dtypes    all numbers
    Errors    an axis that x does not have, or without elements
    Grad      x; equal elements share it
    Source    NumPy, nanmin
    Example
        >>> import powertrain as pt
        >>> pt.nanmin(pt.tensor([1.0, float("nan"), 2.0])).item()
        1.0
    """
    return _extreme(x, axis, keepdims, "min", math.inf)


def average(
    x: TensorLike, axis: Axis = None, weights: TensorLike | None = None, keepdims: bool = False
) -> _core.Tensor:
    """The weighted mean over axes: sum(x * weights) / sum(weights).

    Shapes    x [...], weights as x, or one for each place along the axes -> x without the axes
    Dtypes    floats and complex; integers are computed in float32
    Errors    an axis that x does not have; weights of another shape
    Grad      x, weights
    Source    NumPy, average
    Example
        >>> import powertrain as pt
        >>> pt.average(pt.tensor([1.0, 2.0]), weights=[3, 1]).item()
        1.25
    """
    tensor = _floating(x)
    if weights is None:
        return OPERATORS["mean"](tensor, axis, keepdims)
    given, axes = _core.asarray(weights), all_axes(tensor, axis, "average")
    along = tuple(tensor.shape[one] for one in axes)
    if given.shape not in (tensor.shape, along):
        raise _core.ShapeError(
            f"[average] weights is {list(given.shape)}, x is {list(tensor.shape)}; expected the shape of x or "
            f"{list(along)}; reshape the weights"
        )
    if given.shape != tensor.shape:
        given = OPERATORS["reshape"](given, [n if i in axes else 1 for i, n in enumerate(tensor.shape)])
    wide = _wide(tensor)
    given = OPERATORS["broadcast_to"](OPERATORS["astype"](given, _real(wide.dtype)), tensor.shape)
    total, whole = OPERATORS["sum"](wide * given, axes, keepdims), OPERATORS["sum"](given, axes, keepdims)
    return OPERATORS["astype"](total / whole, tensor.dtype)


def _variables(x: Any, y: Any, rowvar: bool, where: str) -> _core.Tensor:
    """The variables as rows."""
    parts = []
    for part in (x,) if y is None else (x, y):
        tensor = _wide(_floating(part))
        if tensor.ndim > 2:
            raise _core.ShapeError(
                f"[{where}] received {list(tensor.shape)}; expected a matrix with a variable for each row, or a vector"
                "; reshape it"
            )
        rows = OPERATORS["reshape"](tensor, (1, -1)) if tensor.ndim < 2 else tensor
        parts.append(rows if rowvar or tensor.ndim < 2 else OPERATORS["matrix_transpose"](rows))
    return parts[0] if len(parts) == 1 else OPERATORS["concat"](parts, 0)


def cov(
    x: TensorLike,
    y: TensorLike | None = None,
    rowvar: bool = True,
    *,
    correction: float = 1.0,
    fweights: TensorLike | None = None,
    aweights: TensorLike | None = None,
) -> _core.Tensor:
    """The covariances of variables, which are the rows of x and of y; its columns unless rowvar.

    Shapes    x [variables, observations] -> [variables, variables]; of one variable a scalar
    Dtypes    floats and complex; integers, float16 and bfloat16 are computed in float32
    Errors    more than two axes; weights that are no vector of the number of observations
    Grad      x, y, aweights
    Numerics  deviations from the mean; divided by n - correction
    Source    NumPy, cov; fweights are counts of observations, aweights how much each of them matters
    Example
        >>> import powertrain as pt
        >>> pt.cov(pt.tensor([[1.0, 3.0], [2.0, 6.0]])).numpy().tolist()
        [[2.0, 4.0], [4.0, 8.0]]
    """
    rows = _variables(x, y, rowvar, "cov")
    n = rows.shape[1]
    total: Any = n
    weights = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        one = OPERATORS["astype"](given, _real(rows.dtype))
        if one.shape != (n,):
            raise _core.ShapeError(
                f"[cov] {name} is {list(one.shape)}; expected [{n}], one for each observation; check it"
            )
        weights = one if weights is None else weights * one
    if weights is None:
        centred, divisor = rows - OPERATORS["mean"](rows, 1, True), total - correction
        weighted = centred
    else:
        total = OPERATORS["sum"](weights)
        centred = rows - OPERATORS["sum"](rows * weights, 1, True) / total
        weighted = centred * weights
        importance = weights if aweights is None else weights * OPERATORS["astype"](aweights, weights.dtype)
        share = OPERATORS["sum"](importance) / total if aweights is not None else 1.0
        divisor = total - share * correction
    other = OPERATORS["conj"](weighted) if weighted.dtype.is_complex else weighted
    found = OPERATORS["matmul"](centred, OPERATORS["matrix_transpose"](other)) / divisor
    return OPERATORS["reshape"](found, ()) if rows.shape[0] == 1 else found


def corrcoef(x: TensorLike, y: TensorLike | None = None, rowvar: bool = True) -> _core.Tensor:
    """The correlation coefficients of variables, which are the rows of x and of y; its columns unless rowvar.

    Shapes    x [variables, observations] -> [variables, variables]; of one variable a scalar
    Dtypes    floats and complex; integers, float16 and bfloat16 are computed in float32
    Errors    more than two axes
    Grad      x, y
    Numerics  NaN for a variable that does not vary; within -1 and 1
    Source    NumPy, corrcoef
    Example
        >>> import powertrain as pt
        >>> pt.corrcoef(pt.tensor([[1.0, 2.0, 3.0], [6.0, 4.0, 2.0]])).numpy().round(6).tolist()
        [[1.0, -1.0], [-1.0, 1.0]]
    """
    found = cov(x, y, rowvar)
    if found.ndim == 0:
        return found / found
    variance = OPERATORS["diagonal"](found)
    spread = OPERATORS["sqrt"](OPERATORS["real"](variance) if found.dtype.is_complex else variance)
    found = found / OPERATORS["expand_dims"](spread, 1) / OPERATORS["expand_dims"](spread, 0)
    if found.dtype.is_complex:
        parts = (OPERATORS["clip"](part, -1.0, 1.0) for part in (found.real, found.imag))
        return OPERATORS["complex"](*parts)
    return OPERATORS["clip"](found, -1.0, 1.0)
