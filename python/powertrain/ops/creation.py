"""Tensors made from sizes and numbers, and shapes brought together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from powertrain import _core
from powertrain.devices.place import placed
from powertrain.ops.functional import OPERATORS, check_one_shape

if TYPE_CHECKING:
    from powertrain.typing import Device, DTypeLike, TensorLike


def zeros_like(x: TensorLike, dtype: DTypeLike | None = None, device: Device = None) -> _core.Tensor:
    """Zeros of the shape of x, and of its dtype unless another is given.

    Example
        >>> import powertrain as pt
        >>> pt.zeros_like(pt.ones((2,))).numpy().tolist()
        [0.0, 0.0]
    """
    if device is not None:
        return placed(device, zeros_like, x, dtype)
    return _core.full_like(x, 0.0, dtype)


def ones_like(x: TensorLike, dtype: DTypeLike | None = None, device: Device = None) -> _core.Tensor:
    """Ones of the shape of x, and of its dtype unless another is given.

    Example
        >>> import powertrain as pt
        >>> pt.ones_like(pt.zeros((2,))).numpy().tolist()
        [1.0, 1.0]
    """
    if device is not None:
        return placed(device, ones_like, x, dtype)
    return _core.full_like(x, 1.0, dtype)


def full_like(x: TensorLike, value: complex, dtype: DTypeLike | None = None, device: Device = None) -> _core.Tensor:
    """One value in the shape of x, and in its dtype unless another is given.

    Example
        >>> import powertrain as pt
        >>> pt.full_like(pt.zeros((2,)), 3).numpy().tolist()
        [3.0, 3.0]
    """
    if device is not None:
        return placed(device, full_like, x, value, dtype)
    return _core.full_like(x, value, dtype)


def empty(shape: int | Sequence[int], dtype: DTypeLike | None = None, device: Device = None) -> _core.Tensor:
    """A tensor of zeros, for callers that will not read it; float32 unless `dtype` says otherwise.

    Tensors never change, so memory that holds anything at all would be of no use.

    Example
        >>> import powertrain as pt
        >>> pt.empty((2, 3)).shape
        (2, 3)
    """
    check_one_shape("empty", dtype)
    if device is not None:
        return placed(device, empty, shape, dtype)
    return _core.full(shape, 0, dtype)


def empty_like(x: TensorLike, dtype: DTypeLike | None = None, device: Device = None) -> _core.Tensor:
    """A tensor of zeros of the shape of x, and of its dtype unless another is given: see empty.

    Example
        >>> import powertrain as pt
        >>> pt.empty_like(pt.ones((2, 3))).shape
        (2, 3)
    """
    if device is not None:
        return placed(device, empty_like, x, dtype)
    return _core.full_like(x, 0, dtype)


def identity(n: int, dtype: DTypeLike | None = None, device: Device = None) -> _core.Tensor:
    """The square matrix with ones on its diagonal and zeros elsewhere; float32 unless `dtype` says so.

    Shapes    -> [n, n]
    Errors    a size below 0
    Source    NumPy, identity
    Example
        >>> import powertrain as pt
        >>> pt.identity(2).numpy().tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    if device is not None:
        return placed(device, identity, n, dtype)
    return eye(n, dtype=dtype)


def eye(
    rows: int, columns: int | None = None, k: int = 0, dtype: DTypeLike | None = None, device: Device = None
) -> _core.Tensor:
    """Ones on the diagonal k columns to the right of the main one, zeros elsewhere; float32 unless `dtype` says so.

    Shapes    -> [rows, columns]; square unless columns are given
    Errors    a size below 0
    Example
        >>> import powertrain as pt
        >>> pt.eye(2).numpy().tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    if device is not None:
        return placed(device, eye, rows, columns, k, dtype)
    n = _core.integer(rows, "rows", "eye")
    m = n if columns is None else _core.integer(columns, "columns", "eye")
    if min(n, m) < 0:
        raise _core.ShapeError(f"[eye] rows = {rows}, columns = {columns}; expected sizes of at least 0; check them")
    return _core.ones_on_diagonal(n, m, _core.integer(k, "k", "eye"), dtype)


def linspace(
    start: float,
    stop: float,
    num: int = 50,
    endpoint: bool = True,
    dtype: DTypeLike | None = None,
    device: Device = None,
) -> _core.Tensor:
    """Evenly spaced numbers from start to stop, the last of them if `endpoint`; float32 unless `dtype` says so.

    Shapes    -> [num]
    Errors    num below 0
    Numerics  computed in float64 and rounded once
    Example
        >>> import powertrain as pt
        >>> pt.linspace(0, 1, 5).numpy().tolist()
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    if device is not None:
        return placed(device, linspace, start, stop, num, endpoint, dtype)
    count = _core.integer(num, "num", "linspace")
    if count < 0:
        raise _core.ShapeError(f"[linspace] num = {num}; expected a number of at least 0; 50 is usual")
    return _core.evenly_spaced(start, stop, count, bool(endpoint), dtype)


def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The shape that tensors of these shapes have together.

    Errors    sizes that differ where none of them is 1
    Example
        >>> import powertrain as pt
        >>> pt.broadcast_shapes((3, 1), (4,))
        (3, 4)
    """
    import numpy as np

    for shape in shapes:
        if not isinstance(shape, (int, tuple, list)):
            raise _core.DTypeError(
                f"[broadcast_shapes] received {type(shape).__name__}; expected tuples of integers; pass x.shape"
            )
    try:
        return tuple(np.broadcast_shapes(*(_core.integers(one, "a shape", "broadcast_shapes") for one in shapes)))
    except ValueError:
        raise _core.ShapeError(
            f"[broadcast_shapes] shapes {', '.join(str(_listed(shape)) for shape in shapes)} do not broadcast; "
            "expected equal sizes or sizes of 1 from the last axis on; reshape one of them"
        ) from None


def _listed(shape: int | Sequence[int]) -> list[int]:
    return [shape] if isinstance(shape, int) else list(shape)


def broadcast_arrays(*tensors: TensorLike) -> list[_core.Tensor]:
    """The tensors in the shape that they have together. Views.

    Errors    shapes that do not broadcast
    Example
        >>> import powertrain as pt
        >>> [x.shape for x in pt.broadcast_arrays(pt.ones((3, 1)), pt.ones((4,)))]
        [(3, 4), (3, 4)]
    """
    given = [_core.asarray(tensor) for tensor in tensors]
    shape = broadcast_shapes(*(tensor.shape for tensor in given))
    return [OPERATORS["broadcast_to"](tensor, shape) for tensor in given]


def meshgrid(*axes: TensorLike, indexing: Literal["xy", "ij"] = "xy") -> list[_core.Tensor]:
    """Each coordinate of a grid as a tensor of the whole grid. Views.

    Shapes    axes [n_i] each, or [] for one of size 1 -> [n_0, n_1, ...] each; with "xy" the first two are exchanged
    Errors    an axis that is no vector; another indexing
    Example
        >>> import powertrain as pt
        >>> [x.shape for x in pt.meshgrid(pt.arange(2), pt.arange(3), indexing="ij")]
        [(2, 3), (2, 3)]
    """
    given = [_core.asarray(axis) for axis in axes]
    if indexing not in ("xy", "ij"):
        raise _core.ShapeError(f"[meshgrid] indexing = {indexing!r}; expected 'xy' or 'ij'; 'ij' keeps the order")
    for place, axis in enumerate(given):
        if axis.ndim == 0:
            given[place] = OPERATORS["reshape"](axis, (1,))
        elif axis.ndim != 1:
            raise _core.ShapeError(f"[meshgrid] an axis has shape {list(axis.shape)}; expected vectors; flatten it")
    places = list(range(len(given)))
    if indexing == "xy" and len(given) > 1:
        places[0], places[1] = 1, 0
    sizes = [axis.shape[0] for axis in given]
    shape = [0] * len(given)
    for place, size in zip(places, sizes, strict=True):
        shape[place] = size
    grids = []
    for place, axis in zip(places, given, strict=True):
        row = [1] * len(given)
        row[place] = axis.shape[0]
        grids.append(OPERATORS["broadcast_to"](OPERATORS["reshape"](axis, row), shape))
    return grids
