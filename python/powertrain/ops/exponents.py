"""Floats as a fraction times a power of two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powertrain import _core
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

# The exponents of normal float64 numbers.
_LEAST, _MOST = -1022, 1023


def frexp(x: TensorLike) -> tuple[_core.Tensor, _core.Tensor]:
    """The fraction m with 0.5 <= |m| < 1 and the exponent e of each element, so that x is m 2^e.

    Shapes    x [...] -> m [...], e int32 [...]
    Dtypes    floats; integers are computed in float32
    Errors    complex numbers
    Grad      x, by the fraction
    Numerics  exact; 0, infinities and NaN are their own fraction, with the exponent 0
    Source    NumPy, frexp
    Example
        >>> import powertrain as pt
        >>> [t.tolist() for t in pt.frexp(pt.tensor([8.0, -0.75]))]
        [[0.5, -0.75], [4, 0]]
    """
    given, wide = _wide("frexp", x)
    size = OPERATORS["stop_gradient"](OPERATORS["abs"](wide))
    plain = OPERATORS["logical_and"](OPERATORS["isfinite"](size), size > 0)
    guess = OPERATORS["floor"](OPERATORS["log2"](OPERATORS["where"](plain, size, 1.0))) + 1.0
    found = _scaled(size, -guess)  # the logarithm may be rounded to the next whole number
    guess = guess + OPERATORS["where"](found >= 1.0, 1.0, 0.0) - OPERATORS["where"](found < 0.5, 1.0, 0.0)
    exponent = OPERATORS["where"](plain, guess, 0.0)
    fraction = OPERATORS["astype"](_scaled(wide, -exponent), given.dtype)
    return fraction, OPERATORS["astype"](exponent, "int32")


def ldexp(x: TensorLike, n: TensorLike) -> _core.Tensor:
    """x 2^n, element by element, rounded once: also where 2^n itself is too large or too small.

    Shapes    x [...], n [...] -> [...], broadcast
    Dtypes    x floats, of which integers are computed in float32; n integers
    Errors    n of floats; complex numbers; shapes that do not broadcast
    Grad      x
    Source    NumPy, ldexp
    Example
        >>> import powertrain as pt
        >>> pt.ldexp(pt.tensor([0.5, -0.75]), pt.tensor([4, 0])).tolist()
        [8.0, -0.75]
    """
    given, wide = _wide("ldexp", x)
    power = _core.asarray(n)
    if power.dtype.is_float or power.dtype.is_complex or power.dtype == _core.DType.bool:
        raise _core.DTypeError(f"[ldexp] n is {power.dtype.name}; expected integers; write x * pt.exp2(n)")
    count = OPERATORS["clip"](OPERATORS["astype"](power, "float64"), -2200.0, 2200.0)  # beyond, all is 0 or infinite
    return OPERATORS["astype"](_scaled(wide, count), given.dtype)


def _wide(where: str, x: TensorLike) -> tuple[_core.Tensor, _core.Tensor]:
    """A tensor of floats, and the same in float64, which has room for every exponent of the narrower ones."""
    given = _core.asarray(x)
    if given.dtype.is_complex:
        raise _core.DTypeError(f"[{where}] x is {given.dtype.name}; expected real numbers; take pt.abs(x)")
    given = given if given.dtype.is_float else OPERATORS["astype"](given, "float32")
    return given, OPERATORS["astype"](given, "float64")


def _scaled(x: _core.Tensor, n: _core.Tensor) -> _core.Tensor:
    """x 2^n in float64. The factor within the exponents of normal numbers comes last, so that it alone rounds."""
    last = OPERATORS["clip"](n, _LEAST, _MOST)
    middle = OPERATORS["clip"](n - last, _LEAST, _MOST)
    for power in (n - last - middle, middle, last):
        x = x * OPERATORS["exp2"](power)
    return x
