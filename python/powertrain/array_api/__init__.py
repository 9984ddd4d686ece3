"""The array API standard (2024.12) under its own names: what `tensor.__array_namespace__()` gives.

See docs/conformance.md for what differs, such as at most 8 axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain import fft as fft
from powertrain import linalg as linalg
from powertrain._core import DType, Tensor
from powertrain.array_api.creation import (
    arange,
    asarray,
    astype,
    empty,
    empty_like,
    eye,
    from_dlpack,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from powertrain.array_api.dtypes import __array_namespace_info__ as __array_namespace_info__
from powertrain.array_api.dtypes import can_cast, finfo, iinfo, isdtype, result_type
from powertrain.errors.boundary import export
from powertrain.errors.modules import answer_calls
from powertrain.linalg import matmul, tensordot
from powertrain.ops.creation import broadcast_arrays, broadcast_shapes, meshgrid
from powertrain.ops.functional import OPERATORS
from powertrain.ops.searching import nonzero, unique_all, unique_counts, unique_inverse, unique_values

if TYPE_CHECKING:
    import builtins

    from powertrain.typing import Axes, DTypeLike, TensorLike

__array_api_version__ = "2024.12"

# Ours by the standard's names; arguments are the standard's, by position.
_SAME = (
    "abs", "acos", "acosh", "add", "all", "any", "argmax", "argmin", "asin", "asinh", "atan", "atan2", "atanh",
    "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
    "broadcast_to", "ceil", "conj", "copysign", "cos", "cosh", "count_nonzero", "divide", "equal", "exp", "expm1",
    "flip", "floor", "floor_divide", "greater", "greater_equal", "hypot", "less", "less_equal", "imag", "log", "log10",
    "log1p", "log2", "logaddexp", "logical_and", "logical_not", "logical_or", "logical_xor", "matrix_transpose", "max",
    "maximum", "mean", "min", "minimum", "moveaxis", "multiply", "negative", "nextafter", "not_equal", "positive",
    "real", "reciprocal", "remainder", "repeat", "roll", "round", "sign", "signbit", "sin", "sinh", "sqrt", "square",
    "squeeze", "stack", "std", "subtract", "tan", "tanh", "tile", "trunc", "var", "vecdot", "where",
)  # fmt: skip
globals().update({name: OPERATORS[name] for name in _SAME})

e, inf, nan, newaxis, pi = np.e, np.inf, np.nan, None, np.pi
bool = DType.bool
int8, int16, int32, int64 = DType.int8, DType.int16, DType.int32, DType.int64
uint8, uint16, uint32, uint64 = DType.uint8, DType.uint16, DType.uint32, DType.uint64
float32, float64, complex64, complex128 = DType.float32, DType.float64, DType.complex64, DType.complex128

__all__ = [
    "arange", "argsort", "asarray", "astype", "bool", "broadcast_arrays", "broadcast_shapes", "can_cast",
    "clip", "complex128", "complex64", "concat", "isfinite", "isinf", "isnan", "matmul",
    "cumulative_prod", "cumulative_sum", "diff", "e", "empty", "empty_like", "expand_dims", "eye", "fft", "finfo",
    "float32", "float64", "from_dlpack", "full", "full_like", "iinfo", "inf", "int16", "int32", "int64", "int8",
    "isdtype", "linalg", "linspace", "meshgrid", "nan", "newaxis", "nonzero", "ones", "ones_like", "permute_dims",
    "pi", "pow", "prod", "reshape", "result_type", "searchsorted", "sort", "sum", "take", "take_along_axis",
    "tensordot", "tril", "triu", "uint16", "uint32", "uint64", "uint8", "unique_all", "unique_counts",
    "unique_inverse", "unique_values", "unstack", "zeros", "zeros_like", *_SAME,
]  # fmt: skip

# Under another name, or with arguments at other places.
pow, permute_dims = OPERATORS["pow"], OPERATORS["permute_dims"]


def _continuous(x: Tensor) -> Any:
    return x.dtype.is_float or x.dtype.is_complex


def isfinite(x: TensorLike, /) -> Tensor:
    """Where x is finite, as every integer is.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.isfinite(pt.tensor([1.0, float('inf'), float('nan')])).tolist()
        [True, False, False]
    """
    given = asarray(x)
    return OPERATORS["isfinite"](given) if _continuous(given) else OPERATORS["equal"](given, given)


def isinf(x: TensorLike, /) -> Tensor:
    """Where x is infinite, as no integer is.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.isinf(pt.tensor([1.0, float('inf'), float('nan')])).tolist()
        [False, True, False]
    """
    given = asarray(x)
    return OPERATORS["isinf"](given) if _continuous(given) else OPERATORS["not_equal"](given, given)


def isnan(x: TensorLike, /) -> Tensor:
    """Where x is NaN, as no integer is.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.isnan(pt.tensor([1.0, float('inf'), float('nan')])).tolist()
        [False, False, True]
    """
    return OPERATORS["not_equal"](x, x)


def concat(arrays: Sequence[TensorLike], /, *, axis: int | None = 0) -> Tensor:
    """Arrays one behind the other along an axis, or all their elements.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.concat([xp.zeros((1,)), xp.ones((1,))]).tolist()
        [0.0, 1.0]
    """
    if axis is None:
        return OPERATORS["concat"]([OPERATORS["reshape"](x, (-1,)) for x in arrays], 0)
    return OPERATORS["concat"](list(arrays), axis)


def expand_dims(x: TensorLike, /, axis: Axes | None) -> Tensor:
    """x with an axis of size 1.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.expand_dims(xp.zeros((2,)), axis=0).shape
        (1, 2)
    """
    return OPERATORS["expand_dims"](x, axis)


def reshape(x: TensorLike, /, shape: Axes, *, copy: builtins.bool | None = None) -> Tensor:
    """x in another shape. A value never changes, so whether it is a copy cannot be seen.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.reshape(xp.zeros((4,)), (2, 2)).shape
        (2, 2)
    """
    return OPERATORS["reshape"](x, shape)


def unstack(x: TensorLike, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The tensors along an axis, one by one; none of an axis of size 0.

    Example
        >>> import powertrain.array_api as xp
        >>> [part.tolist() for part in xp.unstack(xp.eye(2))]
        [[1.0, 0.0], [0.0, 1.0]]
    """
    given = asarray(x)
    if -given.ndim <= axis < given.ndim and given.shape[axis] == 0:
        return ()
    parts: Any = OPERATORS["unstack"](given, axis)
    return tuple(parts) if isinstance(parts, (tuple, list)) else (parts,)


def searchsorted(x1: TensorLike, x2: TensorLike, /, *, side: str = "left", sorter: TensorLike | None = None) -> Tensor:
    """Where each of x2 belongs in x1, which is in order, or is when its elements are taken in the order of sorter.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.searchsorted(pt.tensor([1.0, 2.0, 3.0]), pt.tensor([2.5])).tolist()
        [2]
    """
    row = x1 if sorter is None else take(x1, sorter)
    return OPERATORS["searchsorted"](row, x2, side)


def clip(x: TensorLike, /, min: TensorLike | None = None, max: TensorLike | None = None) -> Tensor:
    """x between bounds, in its own dtype.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.clip(pt.tensor([3.0, 1.0, 2.0]), 1.5, 2.5).tolist()
        [2.5, 1.5, 2.0]
    """
    given = asarray(x)
    low, high = (None if bound is None else OPERATORS["astype"](bound, given.dtype) for bound in (min, max))
    return OPERATORS["clip"](given, low, high)


def take(x: TensorLike, indices: TensorLike, /, *, axis: int | None = None) -> Tensor:
    """Elements by position along an axis.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.take(pt.tensor([3.0, 1.0, 2.0]), xp.asarray([2, 0])).tolist()
        [2.0, 3.0]
    """
    return OPERATORS["take"](x, OPERATORS["astype"](indices, "int64"), 0 if axis is None else axis)


def take_along_axis(x: TensorLike, indices: TensorLike, /, *, axis: int = -1) -> Tensor:
    """The element at each place along an axis.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.take_along_axis(pt.tensor([3.0, 1.0, 2.0]), xp.asarray([2, 0])).tolist()
        [2.0, 3.0]
    """
    return OPERATORS["take_along_axis"](x, OPERATORS["astype"](indices, "int64"), axis)


def tril(x: TensorLike, /, *, k: int = 0) -> Tensor:
    """Zeros above a diagonal.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.tril(xp.ones((2, 2))).tolist()
        [[1.0, 0.0], [1.0, 1.0]]
    """
    return OPERATORS["tril"](x, k)


def triu(x: TensorLike, /, *, k: int = 0) -> Tensor:
    """Zeros below a diagonal.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.triu(xp.ones((2, 2))).tolist()
        [[1.0, 1.0], [0.0, 1.0]]
    """
    return OPERATORS["triu"](x, k)


def sort(
    x: TensorLike, /, *, axis: int = -1, descending: builtins.bool = False, stable: builtins.bool = True
) -> Tensor:
    """x in order along an axis; always stable.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.sort(pt.tensor([3.0, 1.0, 2.0])).tolist()
        [1.0, 2.0, 3.0]
    """
    return OPERATORS["sort"](x, axis, descending)


def argsort(
    x: TensorLike, /, *, axis: int = -1, descending: builtins.bool = False, stable: builtins.bool = True
) -> Tensor:
    """Positions in order along an axis; always stable.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.argsort(pt.tensor([3.0, 1.0, 2.0])).tolist()
        [1, 2, 0]
    """
    return OPERATORS["argsort"](x, axis, descending)


def diff(
    x: TensorLike, /, *, axis: int = -1, n: int = 1, prepend: TensorLike | None = None, append: TensorLike | None = None
) -> Tensor:
    """Differences of neighbours, of x between what is put before and behind it; x itself for n = 0.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.diff(pt.tensor([3.0, 1.0, 2.0])).tolist()
        [-2.0, 1.0]
    """
    parts = [part for part in (prepend, x, append) if part is not None] if n else [x]
    return OPERATORS["diff"](x if len(parts) == 1 else OPERATORS["concat"](parts, axis), n, axis)


def _accumulated(op: str, x: Any, dtype: Any, rest: dict[str, Any]) -> Tensor:
    given = asarray(x) if dtype is None else OPERATORS["astype"](x, dtype)
    result = OPERATORS[op](given, **rest)
    return result if dtype is None else OPERATORS["astype"](result, dtype)


def sum(
    x: TensorLike, /, *, axis: Axes | None = None, dtype: DTypeLike | None = None, keepdims: builtins.bool = False
) -> Tensor:
    """The sum over axes, accumulated in a dtype that is asked for.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.sum(pt.tensor([3.0, 1.0, 2.0])).item()
        6.0
    """
    return _accumulated("sum", x, dtype, {"axis": axis, "keepdims": keepdims})


def prod(
    x: TensorLike, /, *, axis: Axes | None = None, dtype: DTypeLike | None = None, keepdims: builtins.bool = False
) -> Tensor:
    """The product over axes, accumulated in a dtype that is asked for.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.prod(pt.tensor([3.0, 1.0, 2.0])).item()
        6.0
    """
    return _accumulated("prod", x, dtype, {"axis": axis, "keepdims": keepdims})


def cumulative_sum(
    x: TensorLike, /, *, axis: int | None = None, dtype: DTypeLike | None = None, include_initial: builtins.bool = False
) -> Tensor:
    """Running sums along an axis.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.cumulative_sum(pt.tensor([3.0, 1.0, 2.0])).tolist()
        [3.0, 4.0, 6.0]
    """
    return _accumulated("cumulative_sum", x, dtype, {"axis": axis, "include_initial": include_initial})


def cumulative_prod(
    x: TensorLike, /, *, axis: int | None = None, dtype: DTypeLike | None = None, include_initial: builtins.bool = False
) -> Tensor:
    """Running products along an axis.

    Example
        >>> import powertrain.array_api as xp
        >>> xp.cumulative_prod(pt.tensor([3.0, 1.0, 2.0])).tolist()
        [3.0, 3.0, 6.0]
    """
    return _accumulated("cumulative_prod", x, dtype, {"axis": axis, "include_initial": include_initial})


export(globals())
answer_calls(__name__)
