"""Linear algebra: the `linalg` extension of the array API standard (2024.12), and what NumPy and PyTorch have beside.

Factorisations are of float32, float64, complex64 and complex128, as of the engine's ops.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import powertrain as pt
from powertrain._core import Tensor
from powertrain._core import asarray as _asarray
from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.linalg.extensions import cond, lstsq, matrix_exp, multi_dot, norm
from powertrain.ops.creation import broadcast_shapes
from powertrain.ops.functional import OPERATORS
from powertrain.ops.products import tensordot as _tensordot

if TYPE_CHECKING:
    from powertrain.typing import Axes, DTypeLike, TensorLike

    # Ops, as their specs have them; `globals()` gets them below.
    def cholesky(x: TensorLike, upper: bool = False) -> Tensor: ...
    def cross(a: TensorLike, b: TensorLike, axis: int = -1) -> Tensor: ...
    def det(x: TensorLike) -> Tensor: ...
    def diagonal(x: TensorLike, offset: int = 0) -> Tensor: ...
    def inv(x: TensorLike) -> Tensor: ...
    def matrix_transpose(x: TensorLike) -> Tensor: ...
    def outer(a: TensorLike, b: TensorLike) -> Tensor: ...
    def solve_triangular(
        a: TensorLike, b: TensorLike, upper: bool = False, transposed: bool = False, unitriangular: bool = False
    ) -> Tensor: ...
    def vecdot(a: TensorLike, b: TensorLike, axis: int = -1) -> Tensor: ...


_SAME = ("cholesky", "cross", "det", "diagonal", "inv", "matrix_transpose", "outer", "solve_triangular", "vecdot")
globals().update({name: OPERATORS[name] for name in _SAME})

__all__ = [
    "cond", "eigh", "eigvalsh", "lstsq", "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank",
    "multi_dot", "norm", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot", "trace", "vector_norm",
    *_SAME,
]  # fmt: skip


class EighResult(NamedTuple):
    eigenvalues: Tensor
    eigenvectors: Tensor


class QRResult(NamedTuple):
    Q: Tensor
    R: Tensor


class SlogdetResult(NamedTuple):
    sign: Tensor
    logabsdet: Tensor


class SVDResult(NamedTuple):
    U: Tensor
    S: Tensor
    Vh: Tensor


def eigh(x: TensorLike, /) -> EighResult:
    """The eigenvalues of symmetric or Hermitian matrices, ascending, and their eigenvectors as columns.

    Example
        >>> pt.linalg.eigh(pt.tensor([[2.0, 0.0], [0.0, 4.0]])).eigenvalues.tolist()
        [2.0, 4.0]
    """
    return EighResult(*OPERATORS["eigh"](x))


def eigvalsh(x: TensorLike, /) -> Tensor:
    """The eigenvalues of symmetric or Hermitian matrices, ascending.

    Example
        >>> pt.linalg.eigvalsh(pt.tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
        [2.0, 4.0]
    """
    return eigh(x).eigenvalues


def slogdet(x: TensorLike, /) -> SlogdetResult:
    """The sign of a determinant, a complex number of size 1 for a complex one, and the logarithm of its size.

    Example
        >>> pt.linalg.slogdet(pt.tensor([[2.0, 0.0], [0.0, 4.0]])).sign.item()
        1.0
    """
    return SlogdetResult(*OPERATORS["slogdet"](x))


def qr(x: TensorLike, /, *, mode: str = "reduced") -> QRResult:
    """Orthonormal columns and an upper triangle whose product is x; with mode "complete" those of a whole basis.

    Example
        >>> [part.shape for part in pt.linalg.qr(pt.ones((3, 2)))]
        [(3, 2), (2, 2)]
    """
    given = _asarray(x)
    if mode not in ("reduced", "complete"):
        raise pt.ShapeError(f"[qr] mode = {mode!r}; expected 'reduced' or 'complete'; 'reduced' is usual")
    if mode == "reduced" or given.ndim < 2 or given.shape[-2] <= given.shape[-1]:
        return QRResult(*OPERATORS["qr"](given))
    # Of x beside a basis: what x leaves open is taken from there.
    q, r = OPERATORS["qr"](OPERATORS["concat"]([given, _identity(given)], -1))
    return QRResult(q, r[..., : given.shape[-1]])


def _identity(x: Tensor) -> Tensor:
    """One of as many rows as x for each of its matrices."""
    rows = x.shape[-2]
    return OPERATORS["broadcast_to"](pt.eye(rows, dtype=x.dtype), (*x.shape[:-2], rows, rows))


def svd(x: TensorLike, /, *, full_matrices: bool = True) -> SVDResult:
    """U, singular values, descending, and V^H, whose product is x; with full_matrices whole bases.

    Example
        >>> [part.shape for part in pt.linalg.svd(pt.ones((3, 2)))]
        [(3, 3), (2,), (2, 2)]
    """
    given = _asarray(x)
    u, s, vh = OPERATORS["svd"](given)
    if full_matrices:
        m, n = given.shape[-2:]
        u = _completed(u) if m > n else u
        vh = OPERATORS["matrix_transpose"](_completed(OPERATORS["matrix_transpose"](vh))) if n > m else vh
    return SVDResult(u, s, vh)


def _completed(columns: Tensor) -> Tensor:
    """Orthonormal columns, and behind them those that make a basis of the whole."""
    basis = qr(columns, mode="complete").Q
    return OPERATORS["concat"]([columns, basis[..., columns.shape[-1] :]], -1)


def svdvals(x: TensorLike, /) -> Tensor:
    """Singular values, descending.

    Example
        >>> pt.linalg.svdvals(pt.ones((3, 2))).shape
        (2,)
    """
    return svd(x, full_matrices=False).S


def solve(x1: TensorLike, x2: TensorLike, /) -> Tensor:
    """The y of x1 y = x2, for x2 one vector or matrices.

    Example
        >>> pt.linalg.solve(pt.tensor([[2.0, 0.0], [0.0, 4.0]]), pt.tensor([2.0, 4.0])).tolist()
        [1.0, 1.0]
    """
    a, b = _asarray(x1), _asarray(x2)
    if a.ndim < 2 or b.ndim == 1:
        column = OPERATORS["expand_dims"](b, -1) if b.ndim == 1 else b
        return OPERATORS["squeeze"](solve(a, column), -1) if a.ndim >= 2 else OPERATORS["solve"](a, b)
    leading = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (OPERATORS["broadcast_to"](one, (*leading, *one.shape[-2:])) for one in (a, b))
    return OPERATORS["solve"](a, b)


def pinv(x: TensorLike, /, *, rtol: TensorLike | None = None) -> Tensor:
    """The pseudo-inverse: singular values up to rtol times the largest count as 0.

    Example
        >>> pt.linalg.pinv(pt.ones((3, 2))).shape
        (2, 3)
    """
    u, s, vh = svd(x, full_matrices=False)
    kept = s > _bound(s, u.shape[-2], vh.shape[-1], rtol)
    inverse = OPERATORS["where"](kept, 1 / OPERATORS["where"](kept, s, 1.0), 0.0)
    return OPERATORS["matmul"](_adjoint(vh) * OPERATORS["expand_dims"](inverse, -2), _adjoint(u))


def _adjoint(x: Tensor) -> Tensor:
    """The conjugate transpose of matrices; the transpose of real ones."""
    return OPERATORS["matrix_transpose"](OPERATORS["conj"](x) if x.dtype.is_complex else x)


def matrix_rank(x: TensorLike, /, *, rtol: TensorLike | None = None) -> Tensor:
    """How many singular values are above rtol times the largest.

    Example
        >>> pt.linalg.matrix_rank(pt.tensor([[2.0, 0.0], [0.0, 4.0]])).item()
        2
    """
    given = _asarray(x)
    s = svdvals(given)
    return OPERATORS["count_nonzero"](s > _bound(s, given.shape[-2], given.shape[-1], rtol), -1)


def _bound(s: Tensor, rows: int, columns: int, rtol: Any) -> Tensor:
    """Up to where singular values count as 0; by default the rounding of the largest one."""
    if s.shape[-1] == 0:
        return pt.zeros((*s.shape[:-1], 1), s.dtype)
    relative = max(rows, columns) * (2.0**-23 if s.dtype == pt.float32 else 2.0**-52) if rtol is None else rtol
    largest = OPERATORS["max"](s, -1, True)
    if isinstance(relative, (int, float)):
        return largest * relative
    return largest * OPERATORS["expand_dims"](OPERATORS["astype"](relative, s.dtype), -1)


def matrix_power(x: TensorLike, n: int, /) -> Tensor:
    """x times itself n times; the inverse as often where n is below 0.

    Example
        >>> pt.linalg.matrix_power(pt.tensor([[2.0, 0.0], [0.0, 4.0]]), 2).tolist()
        [[4.0, 0.0], [0.0, 16.0]]
    """
    given = _asarray(x)
    if given.ndim < 2 or given.shape[-1] != given.shape[-2]:
        raise pt.ShapeError(f"[matrix_power] x is {list(given.shape)}; expected square matrices; check its last axes")
    base = OPERATORS["inv"](given) if n < 0 else given
    power, left = _identity(given), abs(n)
    while left:
        power = OPERATORS["matmul"](power, base) if left & 1 else power
        base = OPERATORS["matmul"](base, base) if left > 1 else base
        left //= 2
    return power


def matrix_norm(x: TensorLike, /, *, keepdims: bool = False, ord: float | Literal["fro", "nuc"] = "fro") -> Tensor:
    """A norm of matrices: "fro", "nuc", or 1, 2, infinity, -1, -2 and -infinity.

    Example
        >>> pt.linalg.matrix_norm(pt.tensor([[3.0, 0.0], [0.0, 4.0]])).item()
        5.0
    """
    given = _asarray(x)
    size = OPERATORS["abs"](given)
    if ord == "fro":
        return OPERATORS["vector_norm"](size, (-2, -1), keepdims)
    if ord in ("nuc", 2, -2):
        s = svdvals(given)
        found = OPERATORS["sum"](s, -1) if ord == "nuc" else OPERATORS["max" if ord == 2 else "min"](s, -1)
        return OPERATORS["expand_dims"](found, (-2, -1)) if keepdims else found
    if ord not in (1, -1, math.inf, -math.inf):
        raise pt.ShapeError(f"[matrix_norm] ord = {ord!r}; expected 'fro', 'nuc', 1, 2, inf or minus these; 2 is usual")
    along = -2 if abs(ord) == 1 else -1  # sums of columns, or of rows
    sums = OPERATORS["sum"](size, along, True)
    return OPERATORS["max" if ord > 0 else "min"](sums, (-2, -1), keepdims)


def vector_norm(x: TensorLike, /, *, axis: Axes | None = None, keepdims: bool = False, ord: float = 2) -> Tensor:
    """The norm of order ord along axes, or of all elements.

    Example
        >>> pt.linalg.vector_norm(pt.tensor([3.0, 4.0])).item()
        5.0
    """
    given = _asarray(x)
    # Of complex numbers by their sizes.
    size = OPERATORS["abs"](given) if given.dtype.is_complex else given
    return OPERATORS["vector_norm"](size, axis, keepdims, float(ord))


def trace(x: TensorLike, /, *, offset: int = 0, dtype: DTypeLike | None = None) -> Tensor:
    """The sum along a diagonal of matrices, in a dtype that is asked for.

    Example
        >>> pt.linalg.trace(pt.tensor([[2.0, 0.0], [0.0, 4.0]])).item()
        6.0
    """
    if dtype is None:
        return OPERATORS["trace"](x, offset)
    return OPERATORS["astype"](OPERATORS["trace"](OPERATORS["astype"](x, dtype), offset), dtype)


def matmul(x1: TensorLike, x2: TensorLike, /) -> Tensor:
    """The product of matrices; that of integers is exact, by elementwise products, and meant to be small.

    Example
        >>> pt.linalg.matmul(pt.tensor([[2.0, 0.0], [0.0, 4.0]]), pt.ones((2,))).tolist()
        [2.0, 4.0]
    """
    a, b = _asarray(x1), _asarray(x2)
    if any(one.dtype.is_float or one.dtype.is_complex for one in (a, b)):
        return OPERATORS["matmul"](a, b)
    rows = OPERATORS["expand_dims"](a, -2) if b.ndim > 1 else a
    columns = OPERATORS["matrix_transpose"](b) if b.ndim > 1 else b
    columns = OPERATORS["expand_dims"](columns, -3) if a.ndim > 1 and b.ndim > 1 else columns
    return OPERATORS["vecdot"](rows, columns)


def tensordot(x1: TensorLike, x2: TensorLike, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Tensor:
    """The sum of products over pairs of axes.

    Example
        >>> pt.linalg.tensordot(pt.ones((2, 3)), pt.ones((3, 4)), axes=1).shape
        (2, 4)
    """
    return _tensordot(x1, x2, axes)


export(globals())
__getattr__, __dir__ = attributes(__name__, __all__)
