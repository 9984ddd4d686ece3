"""Comparisons of whole arrays, and elements that stand in for others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powertrain import _core
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

_NARROW = frozenset({"bool", "int8", "int16", "uint8", "uint16", "float16", "bfloat16", "float32", "complex64"})


def isclose(
    a: TensorLike, b: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> _core.Tensor:
    """Where |a - b| <= atol + rtol |b|, element by element; infinities are close where they are equal.

    Shapes    a [...], b [...] -> bool [...], broadcast
    Dtypes    all; in float64, in float32 where that holds the numbers of both
    Errors    shapes that do not broadcast
    Grad      none
    Numerics  NaN is close to nothing, with equal_nan to NaN
    Source    NumPy, isclose
    Example
        >>> import powertrain as pt
        >>> pt.isclose(pt.tensor([1.0, 2.0]), pt.tensor([1.0 + 1e-6, 2.1])).numpy().tolist()
        [True, False]
    """
    left, right = _core.asarray(a), _core.asarray(b)
    same = OPERATORS["equal"](left, right)
    # A tolerance of 1e-8 is 0 in 16 bits, and a difference of unsigned integers wraps around.
    narrow = left.dtype.name in _NARROW and right.dtype.name in _NARROW
    least = _core.full((), 0, "float32" if narrow else "float64")
    wide, wide_right = (OPERATORS["add"](x, least) for x in (left, right))
    distance = OPERATORS["abs"](wide - wide_right)
    near = distance <= OPERATORS["abs"](wide_right) * rtol + atol
    # Beside an infinity the bound is infinite.
    finite = OPERATORS["isfinite"](OPERATORS["abs"](wide_right))
    close = OPERATORS["logical_or"](same, OPERATORS["logical_and"](near, finite))
    if not equal_nan:
        return close
    both = OPERATORS["logical_and"](OPERATORS["not_equal"](left, left), OPERATORS["not_equal"](right, right))
    return OPERATORS["logical_or"](close, both)


def allclose(
    a: TensorLike, b: TensorLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> _core.Tensor:
    """Whether isclose holds for all elements: a bool scalar, which compiled steps can use too.

    Shapes    a [...], b [...] -> bool []
    Errors    shapes that do not broadcast
    Grad      none
    Source    NumPy, allclose
    Example
        >>> import powertrain as pt
        >>> bool(pt.allclose(pt.ones(3), pt.ones(3) + 1e-7))
        True
    """
    return OPERATORS["all"](isclose(a, b, rtol, atol, equal_nan))


def array_equal(a: TensorLike, b: TensorLike, equal_nan: bool = False) -> _core.Tensor:
    """Whether a and b have the same shape and equal elements: a bool scalar.

    Shapes    a [...], b [...] -> bool []
    Grad      none
    Numerics  NaN equals nothing, with equal_nan NaN
    Source    NumPy, array_equal
    Example
        >>> import powertrain as pt
        >>> bool(pt.array_equal([1, 2], [1, 2])), bool(pt.array_equal([1, 2], [[1, 2]]))
        (True, False)
    """
    left, right = _core.asarray(a), _core.asarray(b)
    if left.shape != right.shape:
        return _core.full((), False, "bool")
    same = OPERATORS["equal"](left, right)
    if equal_nan:
        both = OPERATORS["logical_and"](OPERATORS["not_equal"](left, left), OPERATORS["not_equal"](right, right))
        same = OPERATORS["logical_or"](same, both)
    return OPERATORS["all"](same)


def isin(x: TensorLike, test_elements: TensorLike, invert: bool = False) -> _core.Tensor:
    """Where an element of x is among the test elements; with invert, where it is not.

    Shapes    x [...], test_elements [...] -> bool [...] of x
    Dtypes    all but complex
    Grad      none
    Numerics  the test elements are sorted once; NaN is in nothing
    Source    NumPy, isin
    Example
        >>> import powertrain as pt
        >>> pt.isin([1, 2, 3], [3, 1]).numpy().tolist()
        [True, False, True]
    """
    given, wanted = _core.asarray(x), OPERATORS["reshape"](test_elements, (-1,))
    if wanted.shape[0] == 0:
        return _core.full(given.shape, bool(invert), "bool")
    common = OPERATORS["concat"]([OPERATORS["reshape"](given, (-1,))[:0], wanted[:0]], 0).dtype
    given, row = OPERATORS["astype"](given, common), OPERATORS["sort"](OPERATORS["astype"](wanted, common))
    place = OPERATORS["searchsorted"](row, given)
    found = OPERATORS["take"](row, OPERATORS["minimum"](place, row.shape[0] - 1))
    return OPERATORS["not_equal" if invert else "equal"](found, given)
