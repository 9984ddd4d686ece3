"""Tensors of numbers in a regular order: on scales, of powers, and the positions of triangles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powertrain import _core
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import DTypeLike, TensorLike


def _many(num: int, where: str) -> int:
    count = _core.integer(num, "num", where)
    if count < 0:
        raise _core.ShapeError(f"[{where}] num = {num}; expected a number of at least 0; 50 is usual")
    return count


def logspace(
    start: float, stop: float, num: int = 50, endpoint: bool = True, base: float = 10.0, dtype: DTypeLike | None = None
) -> _core.Tensor:
    """Numbers from base**start to base**stop, evenly spaced on a logarithmic scale; float32 unless `dtype` says so.

    Shapes    -> [num]
    Errors    num below 0
    Numerics  computed in float64, by the op pow, and rounded once
    Source    NumPy, logspace
    Example
        >>> import powertrain as pt
        >>> pt.logspace(0, 3, 4).numpy().tolist()
        [1.0, 10.0, 100.0, 1000.0]
    """
    return _core.evenly_raised(base, start, stop, _many(num, "logspace"), bool(endpoint), dtype)


def geomspace(
    start: float, stop: float, num: int = 50, endpoint: bool = True, dtype: DTypeLike | None = None
) -> _core.Tensor:
    """Numbers from start to stop, each the same multiple of the one before; float32 unless `dtype` says so.

    Shapes    -> [num]
    Errors    num below 0; a start or stop of 0
    Numerics  computed in float64 and rounded once
    Source    NumPy, geomspace
    Example
        >>> import powertrain as pt
        >>> pt.geomspace(1, 8, 4).numpy().tolist()
        [1.0, 2.0, 4.0, 8.0]
    """
    import numpy as np

    if start == 0 or stop == 0:
        raise _core.ShapeError(
            f"[geomspace] start = {start}, stop = {stop}; expected numbers other than 0; use linspace"
        )
    numbers = np.geomspace(start, stop, _many(num, "geomspace"), endpoint)
    return _core.tensor(numbers, "float32" if dtype is None else dtype)


def vander(x: TensorLike, N: int | None = None, increasing: bool = False) -> _core.Tensor:  # noqa: N803 - NumPy's name
    """The powers of each element of x as a row: x^(N-1) to x^0, or the other way round if increasing.

    Shapes    x [n] -> [n, N]; square unless N is given
    Dtypes    all numbers; integers become int64
    Errors    x that is no vector; N below 0
    Grad      x
    Source    NumPy, vander
    Example
        >>> import powertrain as pt
        >>> pt.vander(pt.tensor([2, 3]), 3).numpy().tolist()
        [[4, 2, 1], [9, 3, 1]]
    """
    tensor = _core.asarray(x)
    columns = tensor.size if N is None else _core.integer(N, "N", "vander")
    if tensor.ndim != 1 or columns < 0:
        raise _core.ShapeError(
            f"[vander] x is {list(tensor.shape)}, N = {columns}; expected a vector and at least 0 columns; check them"
        )
    if not (tensor.dtype.is_float or tensor.dtype.is_complex):
        tensor = OPERATORS["astype"](tensor, "int64")
    if columns == 0:
        return OPERATORS["broadcast_to"](OPERATORS["expand_dims"](tensor, 1)[:, :0], (tensor.size, 0))
    wide = OPERATORS["broadcast_to"](OPERATORS["expand_dims"](tensor, 1), (tensor.size, columns - 1))
    powers = OPERATORS["cumulative_prod"](wide, 1, True)
    return powers if increasing else OPERATORS["flip"](powers, 1)


def _triangle(where: str, n: int, k: int, m: int | None, lower: bool) -> tuple[_core.Tensor, _core.Tensor]:
    rows = _core.integer(n, "n", where)
    columns = rows if m is None else _core.integer(m, "m", where)
    if min(rows, columns) < 0:
        raise _core.ShapeError(f"[{where}] n = {rows}, m = {columns}; expected sizes of at least 0; check them")
    return _core.triangle(rows, columns, _core.integer(k, "k", where), lower)


def tril_indices(n: int, k: int = 0, m: int | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """The rows and columns of the lower triangle of a matrix [n, m]: x[tril_indices(n)] picks it.

    Shapes    -> int64 [count] twice; square unless m is given; k moves the diagonal to the right
    Errors    a size below 0
    Source    NumPy, tril_indices
    Example
        >>> import powertrain as pt
        >>> [t.numpy().tolist() for t in pt.tril_indices(2)]
        [[0, 1, 1], [0, 0, 1]]
    """
    return _triangle("tril_indices", n, k, m, True)


def triu_indices(n: int, k: int = 0, m: int | None = None) -> tuple[_core.Tensor, _core.Tensor]:
    """The rows and columns of the upper triangle of a matrix [n, m]: x[triu_indices(n)] picks it.

    Shapes    -> int64 [count] twice; square unless m is given; k moves the diagonal to the right
    Errors    a size below 0
    Source    NumPy, triu_indices
    Example
        >>> import powertrain as pt
        >>> [t.numpy().tolist() for t in pt.triu_indices(2)]
        [[0, 0, 1], [0, 1, 1]]
    """
    return _triangle("triu_indices", n, k, m, False)
