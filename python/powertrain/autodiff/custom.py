"""Functions whose gradient does not go through their calls: computed again, or given by hand."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar, cast

from powertrain import _core
from powertrain._core import Tensor
from powertrain.autodiff.tree import Flat, flattened, is_tensor
from powertrain.errors.arguments import shown
from powertrain.errors.boundary import public

P = ParamSpec("P")
R = TypeVar("R")


def checkpoint(function: Callable[P, R]) -> Callable[P, R]:
    """The function, of which nothing but its inputs is kept for the gradient: what is between is computed again.

    Memory for time (Chen et al. 2016); the numbers are the same. Slots that it reads are inputs too, slots that it
    assigns are assigned once, and random numbers are drawn once.

    Example
        >>> import powertrain as pt
        >>> block = pt.checkpoint(lambda x: pt.tanh(pt.tanh(x)))
        >>> pt.grad(lambda x: block(x).sum())(pt.tensor([0.0])).numpy().tolist()
        [1.0]
    """

    @public
    def computed(*args: Any) -> Any:
        leaves, rebuild = flattened(args)
        flat = Flat(function, rebuild)
        outputs = _core.checkpoint(flat, [_core.asarray(leaf) for leaf in leaves])
        return flat.outputs(outputs)

    return _named(computed, function)


def custom_gradient(function: Callable[P, tuple[R, Callable[..., object]]]) -> Callable[P, R]:
    """Make a function with a custom gradient: it returns its result, and a function that goes back.

    That one gets the cotangent of the result, of the same structure, and gives one gradient for each argument that is a
    tensor (alone, or a tuple); None is zero. It may read what the function computed. A parameter is an argument too, as
    in `f(x, self.weight)`: one that the function reads otherwise is an error where a gradient by it is wanted.

    Errors    another number of gradients, or gradients of another shape; a function that gives no backward; a value
              that the gradient is to be by and that is no argument
    Source    as jax.custom_vjp and torch.autograd.Function
    Example
        >>> import powertrain as pt
        >>> @pt.custom_gradient
        ... def rounded(x):
        ...     return pt.round(x), lambda g: g
        >>> pt.grad(lambda x: (rounded(x) * 2).sum())(pt.tensor([0.4, 1.6])).numpy().tolist()
        [2.0, 2.0]
    """

    @public
    def given(*args: Any) -> Any:
        tensors = [_core.asarray(arg) if is_tensor(arg) else arg for arg in args]
        result, back = _parted(cast("Callable[..., Any]", function)(*tensors), function)
        leaves, rebuild = flattened(result)

        def gradients(cotangents: list[Tensor]) -> list[Tensor]:
            return _checked(back(rebuild(cotangents)), tensors)

        inputs = [tensor for tensor in tensors if isinstance(tensor, Tensor)]
        outputs = _core.custom_gradient([_core.asarray(leaf) for leaf in leaves], inputs, gradients)
        return rebuild(outputs)

    return _named(given, function)


def _named(made: Any, function: Any) -> Any:
    """What was made of a function, with its name, documentation and signature."""
    return functools.update_wrapper(made, function, updated=())


def _parted(returned: Any, function: Any) -> tuple[Any, Callable[..., Any]]:
    """The result of a function, and its backward."""
    if isinstance(returned, tuple) and len(returned) == 2 and callable(returned[1]):
        return returned
    raise _core.DTypeError(
        f"[custom_gradient] {getattr(function, '__name__', 'the function')} returned {shown(returned)}; expected "
        "(result, back), of which back(g) gives the gradient by each argument; write return y, lambda g: g * slope"
    )


def _checked(found: Any, args: Sequence[Any]) -> list[Tensor]:
    grads = list(found) if isinstance(found, (tuple, list)) else [found]
    inputs = [arg for arg in args if isinstance(arg, Tensor)]
    if len(grads) == len(args):  # None for each argument that is no tensor too, as PyTorch's are
        grads = [g for g, arg in zip(grads, args, strict=True) if isinstance(arg, Tensor) or g is not None]
    if len(grads) != len(inputs):
        raise _core.ShapeError(
            f"[custom_gradient] {len(grads)} gradients; expected {len(inputs)}, one for each argument that is a "
            "tensor; give None for one that is zero"
        )
    result = []
    for place, (g, x) in enumerate(zip(grads, inputs, strict=True)):
        g = _core.full(x.shape, 0.0, x.dtype) if g is None else _core.asarray(g)
        if tuple(g.shape) != tuple(x.shape):
            raise _core.ShapeError(
                f"[custom_gradient] gradient {place} is {list(g.shape)}, its argument is {list(x.shape)}; expected one "
                "shape; sum over what was broadcast"
            )
        result.append(g)
    return result
