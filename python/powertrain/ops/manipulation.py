"""Arrays joined, cut, turned and given axes, under NumPy's names: each a few views or one concat."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral
from typing import TYPE_CHECKING, Any, overload

from powertrain import _core
from powertrain.ops.axes import one_axis
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


def ravel(x: TensorLike) -> _core.Tensor:
    """All elements in one axis, in row-major order. A view where the elements lie one behind the other.

    Shapes    x [...] -> [n]
    Grad      x
    Source    NumPy, ravel
    Example
        >>> import powertrain as pt
        >>> pt.ravel(pt.ones((2, 3))).shape
        (6,)
    """
    return OPERATORS["reshape"](x, (-1,))


def _with_axes(x: Any, least: int) -> _core.Tensor:
    """x with axes of size 1 where NumPy's atleast functions put them."""
    tensor = _core.asarray(x)
    if tensor.ndim >= least:
        return tensor
    shape = (1,) * (least - tensor.ndim) + tensor.shape
    if least == 3 and tensor.ndim:
        shape = (*tensor.shape, 1) if tensor.ndim == 2 else (1, *tensor.shape, 1)
    return OPERATORS["reshape"](tensor, shape)


def _each(tensors: tuple[TensorLike, ...], least: int) -> _core.Tensor | list[_core.Tensor]:
    found = [_with_axes(tensor, least) for tensor in tensors]
    return found[0] if len(found) == 1 else found


@overload
def atleast_1d(x: TensorLike, /) -> _core.Tensor: ...
@overload
def atleast_1d(*tensors: TensorLike) -> list[_core.Tensor]: ...
def atleast_1d(*tensors: TensorLike) -> _core.Tensor | list[_core.Tensor]:
    """Each scalar as a vector of one element, the others as they are; a list for several.

    Source    NumPy, atleast_1d
    Example
        >>> import powertrain as pt
        >>> pt.atleast_1d(3.0).shape
        (1,)
    """
    return _each(tensors, 1)


@overload
def atleast_2d(x: TensorLike, /) -> _core.Tensor: ...
@overload
def atleast_2d(*tensors: TensorLike) -> list[_core.Tensor]: ...
def atleast_2d(*tensors: TensorLike) -> _core.Tensor | list[_core.Tensor]:
    """Each tensor with axes of size 1 in front until there are two; a list for several.

    Source    NumPy, atleast_2d
    Example
        >>> import powertrain as pt
        >>> pt.atleast_2d(pt.ones(3)).shape
        (1, 3)
    """
    return _each(tensors, 2)


@overload
def atleast_3d(x: TensorLike, /) -> _core.Tensor: ...
@overload
def atleast_3d(*tensors: TensorLike) -> list[_core.Tensor]: ...
def atleast_3d(*tensors: TensorLike) -> _core.Tensor | list[_core.Tensor]:
    """Each tensor with three axes or more: a vector becomes [1, n, 1], a matrix [m, n, 1]; a list for several.

    Source    NumPy, atleast_3d
    Example
        >>> import powertrain as pt
        >>> pt.atleast_3d(pt.ones((2, 3))).shape
        (2, 3, 1)
    """
    return _each(tensors, 3)


def hstack(tensors: Sequence[TensorLike]) -> _core.Tensor:
    """Join tensors side by side: vectors along their only axis, others along the second.

    Errors    no tensors; sizes that differ along another axis
    Grad      tensors
    Source    NumPy, hstack
    Example
        >>> import powertrain as pt
        >>> pt.hstack([pt.ones((2, 1)), pt.zeros((2, 3))]).shape
        (2, 4)
    """
    parts = [_with_axes(tensor, 1) for tensor in tensors]
    return OPERATORS["concat"](parts, 0 if parts and parts[0].ndim == 1 else 1)


def vstack(tensors: Sequence[TensorLike]) -> _core.Tensor:
    """Join tensors as rows, one below the other; a vector is one row.

    Errors    no tensors; sizes that differ along another axis than the first
    Grad      tensors
    Source    NumPy, vstack
    Example
        >>> import powertrain as pt
        >>> pt.vstack([pt.ones(3), pt.zeros((2, 3))]).shape
        (3, 3)
    """
    return OPERATORS["concat"]([_with_axes(tensor, 2) for tensor in tensors], 0)


def dstack(tensors: Sequence[TensorLike]) -> _core.Tensor:
    """Join tensors along a third axis; a vector is taken as [1, n, 1], a matrix as [m, n, 1].

    Errors    no tensors; sizes that differ along another axis than the third
    Grad      tensors
    Source    NumPy, dstack
    Example
        >>> import powertrain as pt
        >>> pt.dstack([pt.ones((2, 3)), pt.zeros((2, 3))]).shape
        (2, 3, 2)
    """
    return OPERATORS["concat"]([_with_axes(tensor, 3) for tensor in tensors], 2)


def column_stack(tensors: Sequence[TensorLike]) -> _core.Tensor:
    """Join vectors as the columns of a matrix; matrices are put side by side.

    Errors    no tensors; numbers of rows that differ
    Grad      tensors
    Source    NumPy, column_stack
    Example
        >>> import powertrain as pt
        >>> pt.column_stack([pt.ones(3), pt.zeros(3)]).shape
        (3, 2)
    """
    given = [_core.asarray(tensor) for tensor in tensors]
    return OPERATORS["concat"]([OPERATORS["reshape"](x, (-1, 1)) if x.ndim < 2 else x for x in given], 1)


def array_split(x: TensorLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[_core.Tensor]:
    """Cut x along an axis: into so many parts, the first of them longer by one, or before the given positions. Views.

    Shapes    x [..., n, ...] -> parts [..., n_i, ...]
    Errors    less than one part; an axis that x does not have
    Grad      x
    Source    NumPy, array_split
    Example
        >>> import powertrain as pt
        >>> [part.shape for part in pt.array_split(pt.ones(7), 3)]
        [(3,), (2,), (2,)]
        >>> [part.shape for part in pt.array_split(pt.ones(7), [2, 6])]
        [(2,), (4,), (1,)]
    """
    tensor = _core.asarray(x)
    along = one_axis(tensor, axis, "array_split")
    size = tensor.shape[along]
    if isinstance(indices_or_sections, Integral):
        parts = _core.integer(indices_or_sections, "indices_or_sections", "array_split")
        if parts < 1:
            raise _core.ShapeError(
                f"[array_split] indices_or_sections = {parts}; expected at least one part; or a list of positions"
            )
        each, longer = divmod(size, parts)
        cuts = [i * each + min(i, longer) for i in range(parts + 1)]
    else:
        cuts = [0, *_core.integers(indices_or_sections, "indices_or_sections", "array_split"), size]
    whole = (slice(None),) * along
    pieces = [(*whole, slice(start, stop)) for start, stop in pairwise(cuts)]
    return [tensor[piece] for piece in pieces]


def fliplr(x: TensorLike) -> _core.Tensor:
    """x with its columns in reverse order: flip along the second axis. A view.

    Errors    less than two axes
    Grad      x
    Source    NumPy, fliplr
    Example
        >>> import powertrain as pt
        >>> pt.fliplr([[1, 2, 3]]).numpy().tolist()
        [[3, 2, 1]]
    """
    return OPERATORS["flip"](x, 1)


def flipud(x: TensorLike) -> _core.Tensor:
    """x with its rows in reverse order: flip along the first axis. A view.

    Errors    a scalar
    Grad      x
    Source    NumPy, flipud
    Example
        >>> import powertrain as pt
        >>> pt.flipud([1, 2, 3]).numpy().tolist()
        [3, 2, 1]
    """
    return OPERATORS["flip"](x, 0)


def rot90(x: TensorLike, k: int = 1, axes: Sequence[int] = (0, 1)) -> _core.Tensor:
    """Turn x k times by a quarter in the plane of two axes, from the first towards the second. A view.

    Errors    axes that are not two different ones of x
    Grad      x
    Source    NumPy, rot90
    Example
        >>> import powertrain as pt
        >>> pt.rot90([[1, 2], [3, 4]]).numpy().tolist()
        [[2, 4], [1, 3]]
    """
    tensor = _core.asarray(x)
    plane = [one_axis(tensor, axis, "rot90") for axis in _core.integers(axes, "axes", "rot90")]
    if len(plane) != 2 or plane[0] == plane[1]:
        raise _core.ShapeError(f"[rot90] axes = {tuple(axes)}; expected two axes that differ; (0, 1) is usual")
    first, second = plane
    turns = _core.integer(k, "k", "rot90") % 4
    if turns == 0:
        return tensor
    if turns == 2:
        return OPERATORS["flip"](tensor, (first, second))
    exchanged = OPERATORS["swapaxes"](tensor, first, second)
    return OPERATORS["flip"](exchanged, first if turns == 1 else second)
