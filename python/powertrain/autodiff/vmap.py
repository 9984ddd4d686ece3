"""A function for each row of its arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar, cast

from powertrain import _core
from powertrain._core import Tensor
from powertrain.autodiff.tree import Flat, flattened
from powertrain.errors.arguments import shown
from powertrain.errors.boundary import public
from powertrain.ops.functional import OPERATORS

P = ParamSpec("P")
R = TypeVar("R")


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


def vmap(function: Callable[P, R], in_axes: int | Sequence[int | None] = 0, out_axes: int = 0) -> Callable[P, R]:
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

    if hasattr(in_axes, "shape"):
        raise _core.DTypeError(
            f"[vmap] received {shown(in_axes)} for in_axes; expected the axes of the rows: it makes a function; write "
            "pt.vmap(function)(x)"
        )

    @public
    def mapped(*args: Any) -> Any:
        leaves, rebuild = flattened(args)
        axes = _axes(args, in_axes)
        inputs = [_rows_first(leaf, axis) for leaf, axis in zip(leaves, axes, strict=True)]
        rows = {x.shape[0] for x, axis in zip(inputs, axes, strict=True) if axis is not None}
        if len(rows) != 1:
            raise _core.ShapeError(
                f"[vmap] {sorted(rows) or 'no'} rows; expected one number of rows in all arguments with an axis; check "
                "in_axes"
            )
        flat = Flat(function, rebuild)
        outputs = _core.vmap(flat, inputs, [axis is not None for axis in axes], rows.pop())
        moved = [OPERATORS["moveaxis"](y, 0, out_axes) if out_axes else y for y in outputs]
        return flat.outputs(moved)

    return cast("Callable[P, R]", mapped)
