"""Functions element by element that are a few ops each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from powertrain import _core
from powertrain.ops.creation import broadcast_arrays
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


def deg2rad(x: TensorLike) -> _core.Tensor:
    """Angles in radians for angles in degrees: x times pi / 180.

    Shapes    x [...] -> [...]
    Dtypes    floats; integers are computed in float32
    Grad      x
    Source    NumPy, deg2rad
    Example
        >>> import powertrain as pt
        >>> pt.deg2rad(pt.tensor([180.0])).numpy().round(4).tolist()
        [3.1415998935699463]
    """
    return OPERATORS["multiply"](x, math.pi / 180)


def rad2deg(x: TensorLike) -> _core.Tensor:
    """Angles in degrees for angles in radians: x times 180 / pi.

    Shapes    x [...] -> [...]
    Dtypes    floats; integers are computed in float32
    Grad      x
    Source    NumPy, rad2deg
    Example
        >>> import powertrain as pt
        >>> pt.rad2deg(pt.tensor([3.14159265])).numpy().round(2).tolist()
        [180.0]
    """
    return OPERATORS["multiply"](x, 180 / math.pi)


def heaviside(x: TensorLike, values: TensorLike) -> _core.Tensor:
    """The step function: 0 below zero, 1 above, and `values` at zero.

    Shapes    x [...], values [...] -> [...], broadcast
    Dtypes    all real numbers
    Errors    shapes that do not broadcast
    Grad      values, where x is 0
    Numerics  NaN where x is
    Source    NumPy, heaviside
    Example
        >>> import powertrain as pt
        >>> pt.heaviside(pt.tensor([-2.0, 0.0, 3.0]), 0.5).numpy().tolist()
        [0.0, 0.5, 1.0]
    """
    tensor = OPERATORS["stop_gradient"](x)
    step = OPERATORS["astype"](OPERATORS["greater"](tensor, 0), tensor.dtype)
    if tensor.dtype.is_float:
        step = OPERATORS["where"](OPERATORS["isnan"](tensor), tensor, step)
    return OPERATORS["where"](OPERATORS["equal"](tensor, 0), values, step)


def lerp(input: TensorLike, end: TensorLike, weight: TensorLike) -> _core.Tensor:
    """The point between input and end at a share `weight` of the way: input + weight * (end - input).

    Shapes    input [...], end [...], weight a number or [...] -> [...], broadcast
    Dtypes    floats and complex; integers are computed in float32
    Errors    shapes that do not broadcast
    Grad      input, end, weight
    Numerics  from the nearer end, so that weights of 0 and 1 give the ends exactly
    Source    PyTorch, lerp
    Example
        >>> import powertrain as pt
        >>> pt.lerp(pt.tensor([0.0, 10.0]), pt.tensor([4.0, 20.0]), 0.25).numpy().tolist()
        [1.0, 12.5]
    """
    way = OPERATORS["subtract"](end, input)
    if isinstance(weight, (int, float)):
        return (
            OPERATORS["add"](input, way * weight)
            if abs(weight) < 0.5
            else OPERATORS["subtract"](end, way * (1 - weight))
        )
    near = OPERATORS["less"](OPERATORS["abs"](weight), 0.5)
    from_input = OPERATORS["add"](input, OPERATORS["multiply"](way, weight))
    from_end = OPERATORS["subtract"](end, OPERATORS["multiply"](way, OPERATORS["subtract"](1, weight)))
    return OPERATORS["where"](near, from_input, from_end)


def masked_fill(input: TensorLike, mask: TensorLike, value: TensorLike) -> _core.Tensor:
    """input, but `value` where the mask is true; in the dtype of input.

    Shapes    input [...], mask [...], value [] -> [...], broadcast
    Dtypes    all; mask bool
    Errors    a value that is no scalar; a mask that is not bool
    Grad      input, value
    Source    PyTorch, masked_fill
    Example
        >>> import powertrain as pt
        >>> pt.masked_fill(pt.tensor([1.0, 2.0]), pt.tensor([True, False]), 9).numpy().tolist()
        [9.0, 2.0]
    """
    tensor, chosen = _core.asarray(input), _core.asarray(mask)
    if chosen.dtype == _core.DType.bool and type(value) is float and tensor.dtype.is_float:
        return OPERATORS["where"](chosen, value, tensor)
    filled = _core.asarray(value, tensor.dtype) if isinstance(value, (bool, int, float, complex)) else value
    shape: tuple[int, ...] = getattr(filled, "shape", ())
    if shape != ():
        raise _core.ShapeError(
            f"[masked_fill] value is {list(shape)}; expected one number; use where(mask, value, input)"
        )
    if chosen.dtype != _core.DType.bool:
        raise _core.DTypeError(f"[masked_fill] mask is {chosen.dtype.name}; expected bool; compare it with 0")
    return OPERATORS["where"](chosen, OPERATORS["astype"](filled, tensor.dtype), tensor)


def select(condlist: Sequence[TensorLike], choicelist: Sequence[TensorLike], default: TensorLike = 0) -> _core.Tensor:
    """Each element from the choice of the first condition that is true there, or the default.

    Shapes    conditions [...], choices [...], default [...] -> [...], broadcast
    Errors    no conditions, or another number of choices; conditions that are not bool
    Grad      choices, default
    Source    NumPy, select
    Example
        >>> import powertrain as pt
        >>> x = pt.arange(5)
        >>> pt.select([x < 2, x > 3], [x, 10 * x], -1).numpy().tolist()
        [0, 1, -1, -1, 40]
    """
    conditions, choices = list(condlist), list(choicelist)
    if len(conditions) != len(choices) or not conditions:
        raise _core.ShapeError(
            f"[select] received {len(conditions)} conditions and {len(choices)} choices; expected as many of both, at "
            "least one; add the missing ones"
        )
    found = default
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        found = OPERATORS["where"](condition, choice, found)
    return _core.asarray(found)


def choose(
    a: TensorLike, choices: Sequence[TensorLike], mode: Literal["raise", "wrap", "clip"] = "raise"
) -> _core.Tensor:
    """Each element from the choice whose number a holds there.

    A number that no choice has is an error, or counts from the other end ("wrap"), or is the next that one has
    ("clip").

    Shapes    a [...] of integers, choices [...] -> [...], broadcast
    Errors    no choices; another mode; a number outside of them, reported when the call or the compiled step ends
    Grad      choices
    Source    NumPy, choose
    Example
        >>> import powertrain as pt
        >>> pt.choose(pt.tensor([1, 0, 1]), [pt.tensor([1, 2, 3]), 10]).numpy().tolist()
        [10, 2, 10]
    """
    count = len(choices)
    if count == 0 or mode not in ("raise", "wrap", "clip"):
        raise _core.ShapeError(
            f"[choose] received {count} choices, mode = {mode!r}; expected one or more, and 'raise', 'wrap' or 'clip'; "
            "'raise' is usual"
        )
    index, *values = broadcast_arrays(a, *choices)
    if mode == "raise":  # a number from the end is none
        index = OPERATORS["where"](OPERATORS["less"](index, 0), count, index)
    else:
        index = OPERATORS["remainder"](index, count) if mode == "wrap" else OPERATORS["clip"](index, 0, count - 1)
    found = OPERATORS["take_along_axis"](OPERATORS["stack"](values), OPERATORS["expand_dims"](index, 0), 0)
    return OPERATORS["squeeze"](found, 0)


def polyval(p: TensorLike, x: TensorLike) -> _core.Tensor:
    """The polynomial with coefficients p, that of the highest power first, at each element of x.

    Shapes    p [n], x [...] -> [...]
    Dtypes    all numbers
    Errors    p that is no vector
    Grad      p, x
    Source    NumPy, polyval; by Horner's rule
    Example
        >>> import powertrain as pt
        >>> pt.polyval(pt.tensor([1, 0, 2]), pt.tensor([1, 2, 3])).numpy().tolist()
        [3, 6, 11]
    """
    coefficients, points = _core.asarray(p), _core.asarray(x)
    if coefficients.ndim != 1:
        raise _core.ShapeError(
            f"[polyval] p is {list(coefficients.shape)}; expected a vector, the highest power first; reshape it"
        )
    y = OPERATORS["multiply"](points, 0)
    for place in range(coefficients.shape[0]):
        y = y * points + coefficients[place]
    return y


def addcmul(input: TensorLike, tensor1: TensorLike, tensor2: TensorLike, *, value: float = 1) -> _core.Tensor:
    """input + value * tensor1 * tensor2, element by element.

    Shapes    input [...], tensor1 [...], tensor2 [...] -> [...], broadcast
    Errors    shapes that do not broadcast
    Grad      input, tensor1, tensor2
    Source    PyTorch, addcmul
    Example
        >>> import powertrain as pt
        >>> pt.addcmul(pt.ones(2), pt.tensor([2.0, 3.0]), 10.0, value=0.5).numpy().tolist()
        [11.0, 16.0]
    """
    return OPERATORS["add"](input, _times(OPERATORS["multiply"](tensor1, tensor2), value))


def addcdiv(input: TensorLike, tensor1: TensorLike, tensor2: TensorLike, *, value: float = 1) -> _core.Tensor:
    """input + value * tensor1 / tensor2, element by element.

    Shapes    input [...], tensor1 [...], tensor2 [...] -> [...], broadcast
    Errors    shapes that do not broadcast
    Grad      input, tensor1, tensor2
    Source    PyTorch, addcdiv
    Example
        >>> import powertrain as pt
        >>> pt.addcdiv(pt.ones(2), pt.tensor([2.0, 3.0]), 4.0, value=2).numpy().tolist()
        [2.0, 2.5]
    """
    return OPERATORS["add"](input, _times(OPERATORS["divide"](tensor1, tensor2), value))


def _times(x: _core.Tensor, factor: float) -> _core.Tensor:
    return x if factor == 1 else x * factor


def polygamma(n: int, x: TensorLike) -> _core.Tensor:
    """The n-th derivative of digamma, element by element: trigamma for n = 1, digamma itself for n = 0.

    Shapes    x [...] -> [...]
    Dtypes    floats; integers are computed in float32
    Errors    n below 0 or above 20; complex numbers
    Grad      x
    Source    PyTorch, polygamma; SciPy, special.polygamma
    Example
        >>> import powertrain as pt
        >>> round(pt.polygamma(1, 1.0).item(), 4)
        1.6449
    """
    return OPERATORS["polygamma"](x, _core.integer(n, "n", "polygamma"))
