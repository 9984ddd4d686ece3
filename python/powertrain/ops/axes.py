"""The axes that a caller names, counted from the front."""

from __future__ import annotations

from collections.abc import Sequence

from powertrain import _core


def one_axis(x: _core.Tensor, axis: int, where: str) -> int:
    """An axis of x, counted from the front; raises an error of `where` if x lacks it."""
    given = axis if type(axis) is int else _core.integer(axis, "axis", where)
    if x.ndim == 0:
        raise _core.IndexError(f"[{where}] axis = {given} of a scalar; a scalar has no axis; reshape it to [1] first")
    if not -x.ndim <= given < x.ndim:
        raise _core.ShapeError(
            f"[{where}] axis = {given} of a tensor with {x.ndim} axes; expected one that it has; see x.shape"
        )
    return given % x.ndim


def all_axes(x: _core.Tensor, axis: int | Sequence[int] | None, where: str) -> list[int]:
    """Axes of x in their order, each once; None names all."""
    if axis is None:
        return list(range(x.ndim))
    named = _core.integers(axis, "axis", where)
    found = sorted({one_axis(x, one, where) for one in named})
    if len(found) != len(named):
        raise _core.ShapeError(f"[{where}] axis = {tuple(named)}; expected each axis once; leave out the repeated one")
    return found
