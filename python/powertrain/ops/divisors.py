"""Common divisors and multiples of integers, by Euclid's algorithm as a fixed number of steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from powertrain import _core
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

# Each step by the nearest remainder divides by at least this.
_SHRINKS: Final = 1 + math.sqrt(2)


def gcd(a: TensorLike, b: TensorLike) -> _core.Tensor:
    """The greatest common divisor of integers, element by element; that of 0 and 0 is 0.

    Shapes    a [...], b [...] -> [...], broadcast
    Dtypes    integers
    Errors    floats, bool; shapes that do not broadcast; uint64 with a signed integer
    Grad      none
    Numerics  never below 0, but for the least int64 and its like, whose size no such integer has
    Source    NumPy, gcd
    Example
        >>> import powertrain as pt
        >>> pt.gcd(pt.tensor([12, -18, 0]), 8).numpy().tolist()
        [4, 2, 8]
    """
    return _gcd(_integers("gcd", "a", a), _integers("gcd", "b", b))


def lcm(a: TensorLike, b: TensorLike) -> _core.Tensor:
    """The least common multiple of integers, element by element; 0 where one of them is 0.

    Shapes    a [...], b [...] -> [...], broadcast
    Dtypes    integers
    Errors    floats, bool; shapes that do not broadcast; uint64 with a signed integer
    Grad      none
    Numerics  wraps where no integer of the dtype is so large
    Source    NumPy, lcm
    Example
        >>> import powertrain as pt
        >>> pt.lcm(pt.tensor([4, -6, 0]), 10).numpy().tolist()
        [20, 30, 0]
    """
    first, second = _integers("lcm", "a", a), _integers("lcm", "b", b)
    shared = _gcd(first, second)
    # x // 0 is 0. The inner size is that of the least int64, which is still negative.
    share = OPERATORS["abs"](OPERATORS["floor_divide"](_size(first), shared))
    return OPERATORS["multiply"](share, _size(second))


def _integers(where: str, name: str, x: TensorLike) -> _core.Tensor | int:
    """A tensor, or a number, which takes the dtype of what it meets."""
    if isinstance(x, int) and not isinstance(x, bool):
        return x
    tensor = _core.asarray(x)
    if tensor.dtype.is_float or tensor.dtype.is_complex or tensor.dtype == _core.DType.bool:
        raise _core.DTypeError(f"[{where}] {name} is {tensor.dtype.name}; expected integers; convert it with astype")
    return tensor


def _size(x: _core.Tensor | int) -> _core.Tensor | int:
    return abs(x) if isinstance(x, int) else OPERATORS["abs"](x)


def _gcd(first: _core.Tensor | int, second: _core.Tensor | int) -> _core.Tensor:
    """By nearest remainders. x mod 0 is 0, so that a pair stays as it is once it has arrived."""
    sizes = _size(first), _size(second)
    a, b = _next(*sizes, OPERATORS["abs"](OPERATORS["remainder"](*sizes)))  # the least int64 is still negative
    bits = int(a.dtype.name.lstrip("uint"))
    for _ in range(math.ceil(bits * math.log(2) / math.log(_SHRINKS)) + 2):
        if not b.symbolic and not OPERATORS["any"](OPERATORS["not_equal"](b, 0)).item():
            break
        rest = OPERATORS["remainder"](a, b)
        a, b = _next(a, b, OPERATORS["minimum"](rest, OPERATORS["abs"](OPERATORS["subtract"](b, rest))))
    return a


def _next(a: _core.Tensor | int, b: _core.Tensor | int, rest: _core.Tensor) -> tuple[_core.Tensor, _core.Tensor]:
    return OPERATORS["where"](OPERATORS["equal"](b, 0), a, b), rest
