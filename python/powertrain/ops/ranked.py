"""Elements by their place among others, with the index where each stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powertrain import _core
from powertrain.ops.axes import one_axis
from powertrain.ops.functional import OPERATORS, arange

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


def _picked(x: _core.Tensor, place: _core.Tensor, axis: int, keepdims: bool) -> tuple[_core.Tensor, _core.Tensor]:
    """The elements at places, which have size 1 along the axis, and the places."""
    found = OPERATORS["take_along_axis"](x, place, axis)
    return (found, place) if keepdims else (OPERATORS["squeeze"](found, axis), OPERATORS["squeeze"](place, axis))


def kthvalue(x: TensorLike, k: int, axis: int = -1, keepdims: bool = False) -> tuple[_core.Tensor, _core.Tensor]:
    """The k-th smallest element along an axis, counted from 1, and its index.

    Shapes    x [..., n, ...] -> two of x without the axis; keepdims leaves size 1 there
    Errors    an axis that x does not have; k outside 1 to n
    Grad      x
    Numerics  NaN counts as larger than every number; of equal elements the first comes first
    Source    PyTorch, kthvalue
    Example
        >>> import powertrain as pt
        >>> [one.item() for one in pt.kthvalue(pt.tensor([3.0, 1.0, 2.0]), 2)]
        [2.0, 2]
    """
    tensor = _core.asarray(x)
    along, rank = one_axis(tensor, axis, "kthvalue"), _core.integer(k, "k", "kthvalue")
    n = tensor.shape[along]
    if not 1 <= rank <= n:
        raise _core.ShapeError(f"[kthvalue] k = {rank}; expected 1 to {n}, the size of axis {along}; 1 is the smallest")
    order = OPERATORS["argsort"](tensor, along)
    rows = (slice(None),) * along + (slice(rank - 1, rank),)
    place = order[rows]
    return _picked(tensor, place, along, keepdims)


def mode(x: TensorLike, axis: int = -1, keepdims: bool = False) -> tuple[_core.Tensor, _core.Tensor]:
    """The most frequent element along an axis, the smallest of several, and an index where it stands.

    Shapes    x [..., n, ...] -> two of x without the axis; keepdims leaves size 1 there
    Errors    an axis that x does not have, or that is empty
    Grad      x
    Source    PyTorch, mode
    Example
        >>> import powertrain as pt
        >>> pt.mode(pt.tensor([3, 1, 3, 2]))[0].item()
        3
    """
    tensor = _core.asarray(x)
    along = one_axis(tensor, axis, "mode")
    n = tensor.shape[along]
    if n == 0:
        raise _core.ShapeError(
            f"[mode] x is {list(tensor.shape)}; expected elements along axis {along}; check its size"
        )
    order = OPERATORS["argsort"](tensor, along)
    ordered = OPERATORS["swapaxes"](OPERATORS["take_along_axis"](tensor, order, along), along, -1)
    places = arange(n)
    begins = OPERATORS["not_equal"](ordered[..., 1:], ordered[..., :-1])
    # Where the run of equal elements began in which each stands: the longest run ends where most are before.
    start = OPERATORS["cummax"](OPERATORS["where"](begins, places[1:], 0), -1)[0] if n > 1 else places[1:]
    rest = OPERATORS["broadcast_to"](places[1:], begins.shape) - start
    first = OPERATORS["broadcast_to"](places[:1], (*ordered.shape[:-1], 1))
    longest = OPERATORS["argmax"](OPERATORS["concat"]([first, rest], -1), -1, keepdims=True)
    place = OPERATORS["take_along_axis"](order, OPERATORS["swapaxes"](longest, along, -1), along)
    return _picked(tensor, place, along, keepdims)
