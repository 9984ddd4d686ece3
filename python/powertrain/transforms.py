"""Functions made of functions of tensors: one for each row, with derivatives along directions, computed again.

A function may take and give tensors, and tuples, lists and dicts of them; other arguments are passed on as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from powertrain import _core
from powertrain._core import Slot, Tensor
from powertrain.autograd import argument, check_output, grad, own_input
from powertrain.boundary import public
from powertrain.creation import eye
from powertrain.functional import OPERATORS

Tree = Any


def _is_tensor(leaf: Any) -> bool:
    return isinstance(leaf, (Tensor, Slot)) or hasattr(leaf, "__array__")


def flattened(tree: Tree) -> tuple[list[Any], Callable[[list[Any]], Tree]]:
    """The tensors of a tree in order, and the function that puts others in their places."""
    if _is_tensor(tree):
        return [tree], lambda leaves: leaves[0]
    if isinstance(tree, dict):
        leaves, inner = flattened(list(tree.values()))
        return leaves, lambda given: dict(zip(tree, inner(given), strict=True))
    if not isinstance(tree, (tuple, list)):
        return [], lambda leaves: tree
    parts = [flattened(item) for item in tree]
    counts = [len(leaves) for leaves, _ in parts]

    def rebuild(leaves: list[Any]) -> Tree:
        values, begin = [], 0
        for count, (_, inner) in zip(counts, parts, strict=True):
            values.append(inner(leaves[begin : begin + count]))
            begin += count
        return type(tree)(*values) if hasattr(tree, "_fields") else type(tree)(values)

    return [leaf for leaves, _ in parts for leaf in leaves], rebuild


class _Flat:
    """A function of a tree as one of a list of tensors, which remembers the shape of what it gave."""

    def __init__(self, function: Callable[..., Tree], rebuild: Callable[[list[Any]], tuple[Any, ...]]) -> None:
        self.function, self.inputs = function, rebuild
        self.outputs: Callable[[list[Any]], Tree] = lambda leaves: leaves

    def __call__(self, tensors: list[Tensor]) -> list[Tensor]:
        result = self.function(*self.inputs(tensors))
        if isinstance(result, (bool, int, float)):
            result = _core.asarray(result)
        leaves, self.outputs = flattened(result)
        return [_core.asarray(leaf) for leaf in leaves]


# ---------------------------------------------------------------- rows


def _axes(args: tuple[Any, ...], in_axes: Any) -> list[int | None]:
    """The axis of the rows of each tensor of the arguments."""
    given = list(in_axes) if isinstance(in_axes, (tuple, list)) else [in_axes] * len(args)
    if len(given) != len(args):
        raise _core.ShapeError(
            f"[vmap] in_axes has {len(given)} entries, the function {len(args)} arguments; expected one for each; "
            "None is for an argument that all rows share"
        )
    return [axis for arg, axis in zip(args, given, strict=True) for _ in flattened(arg)[0]]


def _rows_first(leaf: Any, axis: int | None) -> Tensor:
    tensor = _core.asarray(leaf)
    if axis is None:
        return tensor
    if not -tensor.ndim <= axis < tensor.ndim:
        raise _core.ShapeError(
            f"[vmap] in_axes = {axis} of {tensor.dtype.name}{list(tensor.shape)}; expected one of its axes, or None "
            "for what all rows share"
        )
    return OPERATORS["moveaxis"](tensor, axis, 0) if axis else tensor


def vmap(function: Callable[..., Tree], in_axes: Any = 0, out_axes: int = 0) -> Callable[..., Tree]:
    """The function for each row of its arguments, as one computation: every call in it is made for all rows at once.

    `in_axes` is the axis of the rows, for all arguments or one for each; None is for what all rows share. Results get
    the axis `out_axes`. Calls that have no rule for rows are made one by one. Gradients may be taken inside and
    outside.

    Errors    axes of several sizes; a function that assigns slots or draws random numbers
    Example
        >>> import powertrain as pt
        >>> pt.vmap(lambda x: (x * x).sum())(pt.tensor([[1.0, 2.0], [3.0, 4.0]])).numpy().tolist()
        [5.0, 25.0]
    """

    @public
    def mapped(*args: Any) -> Tree:
        leaves, rebuild = flattened(args)
        axes = _axes(args, in_axes)
        inputs = [_rows_first(leaf, axis) for leaf, axis in zip(leaves, axes, strict=True)]
        rows = {x.shape[0] for x, axis in zip(inputs, axes, strict=True) if axis is not None}
        if len(rows) != 1:
            raise _core.ShapeError(
                f"[vmap] {sorted(rows) or 'no'} rows; expected one number of rows in all arguments with an axis; check "
                "in_axes"
            )
        flat = _Flat(function, rebuild)
        outputs = _core.vmap(flat, inputs, [axis is not None for axis in axes], rows.pop())
        moved = [OPERATORS["moveaxis"](y, 0, out_axes) if out_axes else y for y in outputs]
        return flat.outputs(moved)

    return mapped


# ---------------------------------------------------------------- recomputing, gradients by hand


def checkpoint(function: Callable[..., Tree]) -> Callable[..., Tree]:
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
    def computed(*args: Any) -> Tree:
        leaves, rebuild = flattened(args)
        flat = _Flat(function, rebuild)
        outputs = _core.checkpoint(flat, [_core.asarray(leaf) for leaf in leaves])
        return flat.outputs(outputs)

    return computed


def custom_gradient(function: Callable[..., tuple[Tree, Callable[..., Any]]]) -> Callable[..., Tree]:
    """A function whose gradient is what it says: it gives its result, and a function that goes back.

    That one gets the cotangent of the result, of the same structure, and gives one gradient for each argument that is a
    tensor (alone, or a tuple); None is zero. It may read what the function computed. Slots are constants for it: pass
    their values as arguments.

    Errors    another number of gradients, or gradients of another shape
    Example
        >>> import powertrain as pt
        >>> @pt.custom_gradient
        ... def rounded(x):
        ...     return pt.round(x), lambda g: g
        >>> pt.grad(lambda x: (rounded(x) * 2).sum())(pt.tensor([0.4, 1.6])).numpy().tolist()
        [2.0, 2.0]
    """

    @public
    def given(*args: Any) -> Tree:
        tensors = [_core.asarray(arg) if _is_tensor(arg) else arg for arg in args]
        inputs = [tensor for tensor in tensors if isinstance(tensor, Tensor)]
        result, back = function(*tensors)
        leaves, rebuild = flattened(result)

        def gradients(cotangents: list[Tensor]) -> list[Tensor]:
            return _checked(back(rebuild(cotangents)), inputs)

        outputs = _core.custom_gradient([_core.asarray(leaf) for leaf in leaves], inputs, gradients)
        return rebuild(outputs)

    return given


def _checked(found: Any, inputs: Sequence[Tensor]) -> list[Tensor]:
    grads = list(found) if isinstance(found, (tuple, list)) else [found]
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


# ---------------------------------------------------------------- derivatives along directions, and all of them


def _directions(where: str, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[list[Tensor], list[Tensor]]:
    """The arguments, each of an identity of its own, and how they move."""
    watched = [own_input(where, f"argument {place}", x) for place, x in enumerate(primals)]
    moves = [_core.asarray(t) for t in tangents]
    shapes = [[list(x.shape) for x in tensors] for tensors in (watched, moves)]
    if shapes[0] != shapes[1]:
        raise _core.ShapeError(
            f"[{where}] tangents of shapes {shapes[1]}, arguments of shapes {shapes[0]}; expected one tangent for each "
            "argument, of its shape; pass tuples"
        )
    return watched, moves


def jvp(function: Callable[..., Tree], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Tree, Tree]:
    """The value of `function(*primals)`, and how it changes when the arguments move along the tangents.

    By two gradients: that of the cotangent in <cotangent, J tangent> is J tangent.

    Errors    tangents of other shapes; arguments or results of integers or bool; an op whose gradient has no gradient
    Example
        >>> import powertrain as pt
        >>> pt.jvp(lambda x: x ** 3, (pt.tensor(2.0),), (pt.tensor(0.5),))[1].item()
        6.0
    """
    watched, moves = _directions("jvp", primals, tangents)
    flat = _Flat(function, lambda leaves: tuple(leaves))
    outputs = _core.with_tape(watched, lambda: flat(watched))
    cotangents = [_core.full(y.shape, 0.0, check_output("jvp", y).dtype) for y in outputs]
    back = _core.with_tape(cotangents, lambda: _core.gradients(outputs, cotangents, watched))
    moved = _core.gradients(back, moves, cotangents)
    return flat.outputs(outputs), flat.outputs(moved)


def hvp(function: Callable[..., Tensor], primals: Sequence[Any], tangents: Sequence[Any]) -> list[Tensor]:
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


def jacobian(function: Callable[..., Tensor], argnum: int = 0) -> Callable[..., Tensor]:
    """A function that gives the derivative of every output by every number of one argument: [output..., input...].

    Example
        >>> import powertrain as pt
        >>> pt.jacobian(lambda x: x * x)(pt.tensor([1.0, 2.0])).numpy().tolist()
        [[2.0, 0.0], [0.0, 4.0]]
    """

    @public
    def matrix(*args: Any) -> Tensor:
        values = list(args)
        x = values[argnum] = own_input("jacobian", f"argument {argnum}", argument("jacobian", argnum, args))
        y = check_output("jacobian", _core.with_tape([x], lambda: function(*values)))
        size = math.prod(y.shape)
        units = OPERATORS["reshape"](eye(size, dtype=y.dtype), (size, *y.shape))
        rows = vmap(lambda unit: _core.gradients([y], [unit], [x])[0])(units)
        return OPERATORS["reshape"](rows, (*y.shape, *x.shape))

    return matrix


def hessian(function: Callable[..., Tensor], argnum: int = 0) -> Callable[..., Tensor]:
    """A function that gives all second derivatives of a scalar function by one argument: [input..., input...].

    Example
        >>> import powertrain as pt
        >>> pt.hessian(lambda x: x[0] * x[1])(pt.tensor([1.0, 2.0])).numpy().tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    return jacobian(grad(function, argnum), argnum)
