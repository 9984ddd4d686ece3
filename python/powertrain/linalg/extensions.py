"""Linear algebra beyond the array API's: NumPy's norms, least squares, chains of products, the matrix exponential."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import powertrain as pt
from powertrain import _core
from powertrain.ops.axes import one_axis
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Tensor = _core.Tensor


class LstsqResult(NamedTuple):
    x: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def norm(
    x: TensorLike,
    ord: float | Literal["fro", "nuc"] | None = None,
    axis: int | tuple[int, int] | None = None,
    keepdims: bool = False,
) -> Tensor:
    """A norm of vectors along one axis, or of matrices along two; of all elements without axis and ord.

    Shapes    x [...] -> x without the axes; keepdims leaves size 1 where an axis was
    Dtypes    floats and complex; integers are computed in float32
    Errors    an ord that vectors or matrices do not have; an ord without axis for more than two axes
    Grad      x
    Source    NumPy, linalg.norm: ord of vectors any number and the infinities, 2 unless given; of matrices "fro",
              "nuc", 1, 2, infinity and minus these, "fro" unless given
    Example
        >>> import powertrain as pt
        >>> pt.linalg.norm(pt.tensor([3.0, 4.0])).item()
        5.0
    """
    linalg, given = pt.linalg, _core.asarray(x)
    if axis is None:
        if ord is None:
            return linalg.vector_norm(given, keepdims=keepdims)
        if given.ndim not in (1, 2):
            raise _core.ShapeError(
                f"[norm] ord = {ord!r} of a tensor with {given.ndim} axes; expected a vector or a matrix; name the axis"
            )
        axes = tuple(range(given.ndim))
    else:
        axes = tuple(one_axis(given, one, "norm") for one in _core.integers(axis, "axis", "norm"))
    if len(axes) == 1:
        if isinstance(ord, str):
            raise _core.ShapeError(f"[norm] ord = {ord!r} of vectors; expected a number; 2 is usual")
        return linalg.vector_norm(given, axis=axes[0], keepdims=keepdims, ord=2.0 if ord is None else ord)
    if len(axes) != 2 or axes[0] == axes[1]:
        raise _core.ShapeError(f"[norm] axis = {axis}; expected one axis, or two that differ; leave it out for all")
    found = linalg.matrix_norm(OPERATORS["moveaxis"](given, axes, (-2, -1)), ord="fro" if ord is None else ord)
    return OPERATORS["expand_dims"](found, tuple(sorted(axes))) if keepdims else found


def cond(x: TensorLike, p: float | Literal["fro", "nuc"] | None = None) -> Tensor:
    """The condition number of matrices: norm(x, p) times norm(inv(x), p), by singular values for p = 2, the default.

    Shapes    x [..., n, n], for p of None, 2 and -2 [..., m, n] -> [...]
    Dtypes    floats and complex; integers are computed in float32
    Errors    less than two axes; a p that matrices do not have
    Grad      x
    Numerics  infinite for singular matrices
    Source    NumPy, linalg.cond
    Example
        >>> import powertrain as pt
        >>> round(pt.linalg.cond(pt.tensor([[4.0, 0.0], [0.0, 2.0]])).item(), 4)
        2.0
    """
    from powertrain.linalg import matrix_norm, svdvals

    given = _core.asarray(x)
    if p is None or p in (2, -2):
        s = svdvals(given)
        largest, smallest = OPERATORS["max"](s, -1), OPERATORS["min"](s, -1)
        found = smallest / largest if p == -2 else largest / smallest
    else:
        found = matrix_norm(given, ord=p) * matrix_norm(OPERATORS["inv"](given), ord=p)
    spoilt = OPERATORS["any"](OPERATORS["not_equal"](given, given), (-2, -1))
    singular = OPERATORS["logical_and"](OPERATORS["not_equal"](found, found), OPERATORS["logical_not"](spoilt))
    return OPERATORS["where"](singular, math.inf, found)


def lstsq(a: TensorLike, b: TensorLike, rcond: float | None = None) -> LstsqResult:
    """The x of smallest norm for which |a x - b| is smallest, by singular values.

    Shapes    a [..., m, n], b [m] or [..., m, k] -> x [n] or [..., n, k], residuals [] or [..., k], rank int64 [...],
              singular_values [..., min(m, n)]
    Dtypes    float32, float64, complex64, complex128; integers are computed in float32
    Errors    shapes that do not fit
    Grad      a, b; towards a where singular values differ
    Numerics  singular values up to rcond times the largest count as 0: by default the rounding of the dtype times the
              larger of m and n; residuals are sums of |a x - b|^2, given for every rank
    Source    NumPy, linalg.lstsq
    Example
        >>> import powertrain as pt
        >>> a = pt.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
        >>> pt.linalg.lstsq(a, pt.tensor([1.0, 3.0, 5.0])).x.numpy().round(4).tolist()
        [1.0, 2.0]
    """
    from powertrain.linalg import matrix_rank, pinv, svdvals

    left, right = _core.asarray(a), _core.asarray(b)
    column = right.ndim == 1
    if left.ndim < 2 or right.ndim < 1 or right.shape[0 if column else -2] != left.shape[-2]:
        raise _core.ShapeError(
            f"[lstsq] a is {list(left.shape)}, b is {list(right.shape)}; expected [..., m, n] and [m] or [..., m, k]; "
            "transpose one of them"
        )
    wanted = OPERATORS["expand_dims"](right, -1) if column else right
    x = OPERATORS["matmul"](pinv(left, rtol=rcond), wanted)
    apart = OPERATORS["matmul"](left, x) - wanted
    residuals = OPERATORS["sum"](OPERATORS["square"](OPERATORS["abs"](apart) if apart.dtype.is_complex else apart), -2)
    if column:
        x, residuals = OPERATORS["squeeze"](x, -1), OPERATORS["squeeze"](residuals, -1)
    return LstsqResult(x, residuals, matrix_rank(left, rtol=rcond), svdvals(left))


def multi_dot(arrays: Sequence[TensorLike]) -> Tensor:
    """The product of matrices in the order that multiplies least; the first and the last may be vectors.

    Shapes    [n_0, n_1], [n_1, n_2], ... -> [n_0, n_last]; without the axis of a vector
    Errors    less than two factors; factors that are no matrices, or do not fit
    Grad      arrays
    Source    NumPy, linalg.multi_dot
    Example
        >>> import powertrain as pt
        >>> pt.linalg.multi_dot([pt.ones((2, 30)), pt.ones((30, 5)), pt.ones(5)]).shape
        (2,)
    """
    given = [_core.asarray(one) for one in arrays]
    if len(given) < 2:
        raise _core.ShapeError(
            f"[multi_dot] received {len(given)} factors; expected at least two; a single factor is its own product"
        )
    first, last = given[0].ndim == 1, given[-1].ndim == 1
    if first:
        given[0] = OPERATORS["expand_dims"](given[0], 0)
    if last:
        given[-1] = OPERATORS["expand_dims"](given[-1], 1)
    for place, one in enumerate(given):
        if one.ndim != 2 or (place and one.shape[0] != given[place - 1].shape[1]):
            raise _core.ShapeError(
                f"[multi_dot] factor {place} is {list(one.shape)}; expected matrices that fit, the first and the last "
                "may be vectors; transpose it"
            )
    product = _multiplied(given, _cheapest([given[0].shape[0], *(one.shape[1] for one in given)]), 0, len(given) - 1)
    kept = [size for size, vector in zip(product.shape, (first, last), strict=True) if not vector]
    return OPERATORS["reshape"](product, kept)


def _cheapest(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Behind which factor each chain i..j is cut, so that fewest numbers are multiplied."""
    n = len(sizes) - 1
    costs = {(i, i): 0 for i in range(n)}
    cuts: dict[tuple[int, int], int] = {}
    for width in range(1, n):
        for i in range(n - width):
            j = i + width
            costs[i, j], cuts[i, j] = min(
                (costs[i, k] + costs[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return cuts


def _multiplied(given: list[Tensor], cuts: dict[tuple[int, int], int], i: int, j: int) -> Tensor:
    if i == j:
        return given[i]
    cut = cuts[i, j]
    return OPERATORS["matmul"](_multiplied(given, cuts, i, cut), _multiplied(given, cuts, cut + 1, j))


# The coefficients of Pade's approximant of e^x of degrees 13 and 13, which is exact to float64 up to a norm of 5.37.
_PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
    10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
_LARGEST_NORM = 5.371920351148152
_SQUARINGS = 20  # of a compiled step, which does not know the norm; a norm of 5 million


def matrix_exp(x: TensorLike) -> Tensor:
    """The exponential of square matrices: the sum of x^k / k!.

    Shapes    x [..., n, n] -> [..., n, n]
    Dtypes    float32, float64, complex64, complex128; integers are computed in float32
    Errors    matrices that are not square
    Grad      x
    Numerics  by scaling, an approximant of degree 13 and squaring; NaN for norms above 5 million
    Source    Higham 2005; PyTorch, linalg.matrix_exp
    Example
        >>> import powertrain as pt
        >>> pt.linalg.matrix_exp(pt.zeros((2, 2))).numpy().tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    from powertrain.ops.creation import eye

    given = _core.asarray(x)
    if given.ndim < 2 or given.shape[-1] != given.shape[-2]:
        raise _core.ShapeError(f"[matrix_exp] x is {list(given.shape)}; expected square matrices; check its last axes")
    if not (given.dtype.is_float or given.dtype.is_complex):
        given = OPERATORS["astype"](given, "float32")
    if 0 in given.shape:
        return given
    size = OPERATORS["max"](OPERATORS["sum"](OPERATORS["abs"](OPERATORS["stop_gradient"](given)), -2), -1, True)
    times = OPERATORS["maximum"](OPERATORS["ceil"](OPERATORS["log2"](size / _LARGEST_NORM)), 0)
    times = OPERATORS["expand_dims"](times, -1)
    times = OPERATORS["where"](times <= _SQUARINGS, times, math.nan)
    scaled = given * OPERATORS["exp2"](-times)
    one = eye(given.shape[-1], dtype=given.dtype)
    found = _approximant(scaled, one)
    known = _SQUARINGS if times.symbolic else int(OPERATORS["max"](OPERATORS["where"](times == times, times, 0)).item())
    for k in range(known):
        # What is not squared is 0 there: an infinity would have the gradient NaN, though nobody chose it.
        factor = OPERATORS["where"](times > k, found, 0)
        found = OPERATORS["where"](times > k, OPERATORS["matmul"](factor, factor), found)
    return OPERATORS["where"](times == times, found, math.nan)


def _approximant(x: Tensor, one: Tensor) -> Tensor:
    """(V - U)^-1 (V + U), with U the odd and V the even powers."""
    b = _PADE
    x2 = OPERATORS["matmul"](x, x)
    x4 = OPERATORS["matmul"](x2, x2)
    x6 = OPERATORS["matmul"](x4, x2)
    odd = OPERATORS["matmul"](x6, x6 * b[13] + x4 * b[11] + x2 * b[9]) + x6 * b[7] + x4 * b[5] + x2 * b[3] + one * b[1]
    even = OPERATORS["matmul"](x6, x6 * b[12] + x4 * b[10] + x2 * b[8]) + x6 * b[6] + x4 * b[4] + x2 * b[2] + one * b[0]
    u = OPERATORS["matmul"](x, odd)
    return OPERATORS["solve"](even - u, even + u)
