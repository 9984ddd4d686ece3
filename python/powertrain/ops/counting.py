"""Counts of values in bins, and positions in flat memory and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from powertrain import _core
from powertrain.ops.functional import OPERATORS
from powertrain.ops.searching import known, valued

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


def _index(x: Any, where: str) -> _core.Tensor:
    tensor = x if type(x) is _core.Tensor else _core.asarray(x)
    dtype = tensor.dtype
    if dtype == _core.DType.int64:
        return tensor
    if dtype.is_float or dtype.is_complex or dtype == _core.DType.bool:
        raise _core.DTypeError(f"[{where}] received {dtype.name}; expected integers; convert it with astype")
    return OPERATORS["astype"](tensor, "int64")


def bincount(
    x: TensorLike, weights: TensorLike | None = None, minlength: int = 0, *, length: int | None = None
) -> _core.Tensor:
    """How often each integer from 0 on occurs, or the sum of the weights where it does.

    Shapes    x int [n], weights [n] -> [max(x) + 1], at least minlength; [length] if that is given
    Dtypes    int64, or that of the weights
    Errors    x that is no vector of integers, or has one below 0; weights of another size; no length within a compiled
              step, which does not know the largest element; an element of length or more, when the call or step ends
    Grad      weights
    Source    NumPy, bincount; `length` is JAX's
    Example
        >>> import powertrain as pt
        >>> pt.bincount(pt.tensor([0, 1, 1, 3])).numpy().tolist()
        [1, 2, 0, 1]
    """
    index = _index(x, "bincount")
    if index.ndim != 1:
        raise _core.ShapeError(f"[bincount] x is {list(index.shape)}; expected a vector; reshape it to (-1,)")
    if length is None:
        least, most = _core.extent(valued(index, "bincount", "pass length, how many counts there are"))
        if least < 0:
            raise _core.ShapeError(f"[bincount] x has {least}; expected integers from 0 on; check them")
        size = max(most + 1, _core.integer(minlength, "minlength", "bincount"))
    else:
        size = _core.integer(length, "length", "bincount")
        index = OPERATORS["where"](index < 0, size, index)  # -1 would be the last; scatter_add reports what is outside
    if size < 0:
        raise _core.ShapeError(f"[bincount] length = {size}; expected at least 0; pass how many counts there are")
    counted = _core.full(index.shape, 1, "int64") if weights is None else _core.asarray(weights)
    if counted.shape != index.shape:
        raise _core.ShapeError(
            f"[bincount] weights is {list(counted.shape)}, x is {list(index.shape)}; expected one for each; check them"
        )
    return OPERATORS["scatter_add"](index, counted, size=size)


def digitize(x: TensorLike, bins: TensorLike, right: bool = False) -> _core.Tensor:
    """The number of the bin in which each element lies: i for bins[i-1] <= x < bins[i], or < and <= with right.

    Shapes    x [...], bins [n] -> int64 [...], 0 to n
    Dtypes    all real numbers
    Errors    bins that are no vector, or neither rise nor fall
    Grad      none
    Numerics  NaN counts as the largest; within a compiled step bins whose values are not known are taken to rise
    Source    NumPy, digitize; PyTorch's bucketize is searchsorted
    Example
        >>> import powertrain as pt
        >>> pt.digitize(pt.tensor([0.5, 1.0, 7.0]), [0, 1, 2]).numpy().tolist()
        [1, 2, 3]
    """
    import numpy as np

    row = _core.asarray(bins)
    if row.ndim != 1:
        raise _core.ShapeError(f"[digitize] bins is {list(row.shape)}; expected a vector; reshape it")
    side = "left" if right else "right"
    if not row.symbolic:
        steps = np.diff(known(row, "digitize", "")[1].astype("float64"))
        if (steps < 0).any():
            if (steps > 0).any():
                raise _core.ShapeError("[digitize] bins neither rise nor fall; expected edges in order; sort them")
            found = OPERATORS["searchsorted"](OPERATORS["flip"](row, 0), x, side)
            return row.shape[0] - found
    return OPERATORS["searchsorted"](row, x, side)


def unravel_index(indices: TensorLike, shape: int | Sequence[int]) -> tuple[_core.Tensor, ...]:
    """The position along each axis of an array of that shape, for places in row-major order.

    Shapes    indices int [...] -> int64 [...] for each axis
    Errors    indices that are no integers; one outside of the array, when the call or the compiled step ends
    Grad      none
    Source    NumPy, unravel_index
    Example
        >>> import powertrain as pt
        >>> [t.numpy().tolist() for t in pt.unravel_index([5, 1], (2, 3))]
        [[1, 0], [2, 1]]
    """
    sizes = _core.integers(shape, "shape", "unravel_index")
    rest = _index(indices, "unravel_index")
    whole = 1
    for size in sizes:
        whole *= size
    rest = _within(rest, whole)
    found = []
    for size in reversed(sizes):
        found.append(OPERATORS["remainder"](rest, size) if size else rest)
        rest = OPERATORS["floor_divide"](rest, size) if size else rest
    return tuple(reversed(found))


def _within(index: _core.Tensor, size: int) -> _core.Tensor:
    """The positions, once they are known to be from 0 to below a size."""
    return OPERATORS["check_index"](OPERATORS["where"](index < 0, size, index), size)


def ravel_multi_index(
    multi_index: Sequence[TensorLike], dims: int | Sequence[int], mode: Literal["raise", "wrap", "clip"] = "raise"
) -> _core.Tensor:
    """The places in row-major order of positions along each axis of an array of shape dims.

    Shapes    one int [...] for each axis -> int64 [...], broadcast
    Errors    another number of positions than of sizes; another mode; with "raise" a position outside of its axis, when
              the call or the compiled step ends
    Grad      none
    Numerics  "wrap" takes positions modulo the size, "clip" the nearest that exists
    Source    NumPy, ravel_multi_index
    Example
        >>> import powertrain as pt
        >>> pt.ravel_multi_index(([1, 0], [2, 1]), (2, 3)).numpy().tolist()
        [5, 1]
    """
    sizes = _core.integers(dims, "dims", "ravel_multi_index")
    positions = [_index(one, "ravel_multi_index") for one in multi_index]
    if len(positions) != len(sizes) or not sizes:
        raise _core.ShapeError(
            f"[ravel_multi_index] received {len(positions)} positions for {len(sizes)} axes; expected one for each "
            "axis; check dims"
        )
    if mode not in ("raise", "wrap", "clip"):
        raise _core.ShapeError(
            f"[ravel_multi_index] mode = {mode!r}; expected 'raise', 'wrap' or 'clip'; 'raise' is usual"
        )
    found: Any = 0
    for position, size in zip(positions, sizes, strict=True):
        if mode == "raise":
            inside = _within(position, size)
        elif mode == "wrap":
            inside = OPERATORS["remainder"](position, size)
        else:
            inside = OPERATORS["minimum"](OPERATORS["maximum"](position, 0), size - 1)
        found = found * size + inside
    return _core.asarray(found)
