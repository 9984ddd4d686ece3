"""Derivatives along directions, and whole Jacobians and Hessians."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from powertrain import _core
from powertrain._core import Tensor
from powertrain.autodiff.gradients import argument, check_output, grad, own_input
from powertrain.autodiff.tree import Flat
from powertrain.autodiff.vmap import vmap
from powertrain.errors.arguments import shown
from powertrain.errors.boundary import public
from powertrain.ops.creation import eye
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

P = ParamSpec("P")
R = TypeVar("R")


def _directions(
    where: str, primals: Sequence[TensorLike], tangents: Sequence[TensorLike]
) -> tuple[list[Tensor], list[Tensor]]:
    """The arguments, each of an identity of its own, and how they move."""
    if hasattr(primals, "shape") or hasattr(tangents, "shape"):
        raise _core.DTypeError(
            f"[{where}] received a tensor; expected a tuple of arguments, and one of tangents; write "
            f"{where}(function, (x,), (direction,))"
        )
    watched = [own_input(where, f"argument {place}", x) for place, x in enumerate(primals)]
    moves = [_core.asarray(t) for t in tangents]
    shapes = [[list(x.shape) for x in tensors] for tensors in (watched, moves)]
    if shapes[0] != shapes[1]:
        raise _core.ShapeError(
            f"[{where}] tangents of shapes {shapes[1]}, arguments of shapes {shapes[0]}; expected one tangent for each "
            "argument, of its shape; pass tuples"
        )
    return watched, moves


def jvp(function: Callable[..., R], primals: Sequence[TensorLike], tangents: Sequence[TensorLike]) -> tuple[R, R]:
    """The value of `function(*primals)`, and how it changes when the arguments move along the tangents.

    By two gradients: that of the cotangent in <cotangent, J tangent> is J tangent.

    Errors    tangents of other shapes; arguments or results of integers or bool; an op whose gradient has no gradient
    Example
        >>> import powertrain as pt
        >>> pt.jvp(lambda x: x ** 3, (pt.tensor(2.0),), (pt.tensor(0.5),))[1].item()
        6.0
    """
    watched, moves = _directions("jvp", primals, tangents)
    flat = Flat(function, lambda leaves: tuple(leaves))
    outputs = _core.with_tape(watched, lambda: flat(watched))
    cotangents = [_core.full(y.shape, 0.0, check_output("jvp", y).dtype) for y in outputs]
    back = _core.with_tape(cotangents, lambda: _core.gradients(outputs, cotangents, watched))
    moved = _core.gradients(back, moves, cotangents)
    return flat.outputs(outputs), flat.outputs(moved)


def hvp(function: Callable[..., Tensor], primals: Sequence[TensorLike], tangents: Sequence[TensorLike]) -> list[Tensor]:
    """The Hessian of a scalar function times a direction, one tensor for each argument.

    Example
        >>> import powertrain as pt
        >>> pt.hvp(lambda x: (x ** 3).sum(), (pt.tensor([1.0, 2.0]),), (pt.tensor([1.0, 1.0]),))[0].numpy().tolist()
        [6.0, 12.0]
    """
    watched, moves = _directions("hvp", primals, tangents)
    first = _core.with_tape(watched, lambda: grad(function, range(len(watched)))(*watched))
    found: list[Tensor] = _core.gradients(list(first), moves, watched)
    return found


def _check_function(where: str, function: object, argnum: object) -> None:
    array = isinstance(argnum, Tensor) or getattr(argnum, "ndim", 0) > 0
    if not callable(function) or array or not hasattr(argnum, "__index__"):
        raise _core.DTypeError(
            f"[{where}] received {shown(function)}, {shown(argnum)}; expected a function and the number of one of its "
            f"arguments: it makes a function; write pt.{where}(function)(x)"
        )


def jacobian(function: Callable[P, Tensor], argnum: int = 0) -> Callable[P, Tensor]:
    """A function that gives the derivative of every output by every number of one argument: [output..., input...].

    Example
        >>> import powertrain as pt
        >>> pt.jacobian(lambda x: x * x)(pt.tensor([1.0, 2.0])).numpy().tolist()
        [[2.0, 0.0], [0.0, 4.0]]
    """
    _check_function("jacobian", function, argnum)

    @public
    def matrix(*args: Any) -> Any:
        values = list(args)
        x = values[argnum] = own_input("jacobian", f"argument {argnum}", argument("jacobian", argnum, args))
        y = check_output("jacobian", _core.with_tape([x], lambda: cast("Callable[..., Tensor]", function)(*values)))
        size = math.prod(y.shape)
        units = OPERATORS["reshape"](eye(size, dtype=y.dtype), (size, *y.shape))
        rows = vmap(lambda unit: _core.gradients([y], [unit], [x])[0])(units)
        return OPERATORS["reshape"](rows, (*y.shape, *x.shape))

    return cast("Callable[P, Tensor]", matrix)


def hessian(function: Callable[P, Tensor], argnum: int = 0) -> Callable[P, Tensor]:
    """A function that gives all second derivatives of a scalar function by one argument: [input..., input...].

    Example
        >>> import powertrain as pt
        >>> pt.hessian(lambda x: x[0] * x[1])(pt.tensor([1.0, 2.0])).numpy().tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    _check_function("hessian", function, argnum)
    return cast("Callable[P, Tensor]", jacobian(cast("Callable[..., Tensor]", grad(function, argnum)), argnum))
