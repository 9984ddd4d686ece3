"""Assignment to elements: `x[i] = v` gives the object x another value, in which they are those of v.

Tensors are values and never change. So a view that was taken before, a tape, and NumPy's arrays over the memory keep
what they had; `y = x` is the same object, and sees the assignment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from powertrain import _core
from powertrain._core import Tensor
from powertrain.ops.functional import OPERATORS
from powertrain.ops.indexing import check_masks, index, is_mask, key_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray


def assign(self: Tensor, key: Any, value: Any) -> None:
    """Give the object the value whose elements at `key` are those of `value`, in the dtype that it has.

    A value is cast by NumPy's rule "same_kind", and broadcast to the elements that it is for. Of elements that are
    named twice the last value counts. Gradients flow to the value and to the elements that stay.

    Errors    a value of another kind or shape, a place outside: before anything changes; the value of a slot; a tensor
              from outside of the function that is traced
    Example
        >>> import powertrain as pt
        >>> x = pt.zeros((4,))
        >>> x[1:3] = 5
        >>> x[pt.tensor([True, False, False, False])] = 1.5
        >>> x.tolist()
        [1.5, 5.0, 5.0, 0.0]
    """
    _core.check_assignable(self)
    given = _core.cast_for(value, self.dtype)
    parts = key_parts(key)
    if any(isinstance(part, Tensor) and part.symbolic for part in parts):
        changed = _at_symbolic_places(self, key, parts, given)
    else:
        changed = _at_places(self, key, parts, given)
    _core.give_value(self, changed)


def _fitted(value: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A value in the shape of what it is for. NumPy leaves out axes of size 1 in front."""
    extra = value.ndim - len(shape)
    if extra > 0 and value.shape[:extra] == (1,) * extra:
        value = OPERATORS["reshape"](value, value.shape[extra:])
    sizes = zip(reversed(value.shape), reversed(shape), strict=False)
    if value.ndim > len(shape) or not all(size in (1, wanted) for size, wanted in sizes):
        raise _core.ShapeError(
            f"[index] received a value of {list(value.shape)} for elements of {list(shape)}; expected a shape that "
            "broadcasts to theirs; reshape the value"
        )
    return value if value.shape == shape else OPERATORS["broadcast_to"](value, shape)


def _at_places(x: Tensor, key: Any, parts: list[Any], value: Tensor) -> Tensor:
    import numpy as np

    # What indexing refuses is refused here, in its words.
    shape = index(_core.full(x.shape, 0, "bool"), key).shape
    fitted = _fitted(value, shape)
    if shape == x.shape and not any(isinstance(part, (int, Tensor)) or _turns(part) for part in parts):
        return fitted
    places = tuple(part.numpy() if isinstance(part, Tensor) else part for part in parts)
    if value.size == 1 or not any(isinstance(part, Tensor) for part in parts):
        inside = np.zeros(x.shape, np.bool_)
        inside[places] = True
        if value.size == 1:
            placed = OPERATORS["reshape"](value, ())
        else:
            start, step, sizes = _core.block(x.shape, tuple(parts))
            placed = OPERATORS["slice_scatter"](OPERATORS["reshape"](fitted, sizes), x.shape, start, step)
        return OPERATORS["where"](_core.tensor(inside), placed, x)
    # NumPy writes the number of the value that each element gets; 0 where there is none.
    numbers = np.zeros(x.shape, np.int64)
    numbers[places] = np.arange(1, fitted.size + 1).reshape(shape)
    return _numbered(x, _core.tensor(numbers), fitted)


def _turns(part: Any) -> bool:
    return isinstance(part, slice) and part.step is not None and part.step < 0


def _at_symbolic_places(x: Tensor, key: Any, parts: list[Any], value: Tensor) -> Tensor:
    """Places that are known when the step runs."""
    masks = [part for part in parts if is_mask(part)]
    if masks:
        return _under_mask(x, key, parts, masks[0], value)
    places = index(_core.asarray(_all_places(x)), key)
    fitted = _fitted(value, places.shape)
    # The last value for an element has the largest number.
    counted = OPERATORS["astype"](_core.whole_range(1, 1, places.size, False), "int64")
    flat = OPERATORS["reshape"](places, (-1,))
    numbers = OPERATORS["put_along_axis_max"](flat, counted, axis=0, size=x.size)
    return _numbered(x, OPERATORS["reshape"](OPERATORS["maximum"](numbers, 0), x.shape), fitted)


def _all_places(x: Tensor) -> NDArray[Any]:
    import numpy as np

    return np.arange(x.size).reshape(x.shape)


def _numbered(x: Tensor, numbers: Tensor, values: Tensor) -> Tensor:
    """Elements of x, or where a number is above 0, the value of that number."""
    if values.size == 0:
        return x
    at = OPERATORS["maximum"](numbers - 1, 0)
    taken = OPERATORS["take"](OPERATORS["reshape"](values, (-1,)), at, 0)
    return OPERATORS["where"](numbers > 0, taken, x)


def _under_mask(x: Tensor, key: Any, parts: list[Any], mask: Tensor, value: Tensor) -> Tensor:
    """A symbolic mask of the first axes: one value for all elements where it is true, for each of the axes left."""
    check_masks(x, key)
    rest = x.shape[mask.ndim :]
    others = [part for part in parts if part is not mask]
    alone = parts[0] is mask and all(part is Ellipsis or part == slice(None) for part in others)
    if not alone or (value.ndim > len(rest) and value.shape[0] != 1):
        raise _core.TraceError(
            f"[index] received a value of {list(value.shape)} for a mask whose values are known only when the compiled "
            "step runs; expected one value for all places of a mask that is the only index; use powertrain.where"
        )
    shape = (*mask.shape, *(1 for _ in rest))
    return OPERATORS["where"](OPERATORS["reshape"](mask, shape), _fitted(value, rest), x)
