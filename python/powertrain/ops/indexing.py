"""Indexing as NumPy's: arrays of integers, masks, and slots.

What integers, slices, None and ... alone pick, `cpp/bindings/index.cpp` finds.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

from powertrain import _core
from powertrain._core import Slot, Tensor
from powertrain.errors.arguments import shown
from powertrain.errors.boundary import LEFTOVERS, translated
from powertrain.ops.functional import OPERATORS

_BASIC = (int, slice, type(None), type(Ellipsis))


def _error(received: str, expected: str) -> _core.IndexError:
    return _core.IndexError(f"[index] received {received}; expected {expected}; see help(powertrain.take)")


def index(self: Tensor | Slot, key: Any) -> Tensor:
    """Basic indexing gives views; arrays of integers and masks pick elements, as in NumPy.

    A mask is read when it is used, so it must have a value: within a compiled step use where, or weights of 0.
    """
    try:
        return _picked(self.value if isinstance(self, Slot) else self, key)
    except LEFTOVERS as error:  # the boundary, without a call more
        found = translated(error, index, (self, key), {})
        if found is None:
            raise
        raise found from error


def _words(key: Any) -> str:
    """A key as Python writes it, without asking anything of a stranger's class."""
    if isinstance(key, tuple):
        return f"({', '.join(map(_words, key))})"
    if isinstance(key, slice):
        return f"slice({_words(key.start)}, {_words(key.stop)}, {_words(key.step)})"
    return "Ellipsis" if key is Ellipsis else shown(key)


def _picked(tensor: Tensor, key: Any) -> Tensor:
    keys = [place for part in key_parts(key) for place in _places(part)]
    if not any(isinstance(part, (Tensor, _Truth)) for part in keys):
        return _core.pick(tensor, tuple(keys))
    used = sum(part is not None and not isinstance(part, _Truth) and part is not Ellipsis for part in keys)
    _check_count(used, tensor.ndim)
    at = next((i for i, part in enumerate(keys) if part is Ellipsis), len(keys))
    keys[at : at + 1] = [slice(None)] * (tensor.ndim - used)
    check_masks(tensor, key)
    axis = 0
    for i, part in enumerate(keys):
        if isinstance(part, _Truth):  # the one place of a new axis, or none
            tensor, keys[i] = OPERATORS["expand_dims"](tensor, axis), part.places
        axis += part is not None
    return _advanced(tensor, keys)


class _Truth(NamedTuple):
    """A mask without axes."""

    places: Tensor


def _check_count(used: int, axes: int) -> None:
    if used > axes:
        raise _error(f"{used} indices for {axes} axes", f"at most {axes}")


def key_parts(key: Any) -> list[Any]:
    """The parts of a key, each a tensor or of one of Python's kinds that basic indexing knows."""
    parts = [_plain(part) for part in (key if isinstance(key, tuple) else (key,))]
    for part in parts:
        if not isinstance(part, (*_BASIC, Tensor)):
            raise _error(_words(key), "integers, slices, None, ..., arrays of integers and masks")
    if sum(part is Ellipsis for part in parts) > 1:
        raise _error(_words(key), "one ... at most")
    return parts


def is_mask(part: Any) -> bool:
    return isinstance(part, Tensor) and part.dtype == _core.DType.bool


def _plain(part: Any) -> Any:
    """A key as one of Python's kinds, or a tensor: NumPy's integers are integers, lists and arrays tensors."""
    import numpy as np

    if isinstance(part, Slot):
        return part.value
    if isinstance(part, (bool, np.bool_)):
        return _core.asarray(np.asarray(part))
    if isinstance(part, np.integer):
        return int(part)
    if isinstance(part, list) or (hasattr(part, "__array__") and not isinstance(part, Tensor)):
        try:
            array = np.asarray(part)
        except (TypeError, ValueError, OverflowError) as error:
            raise _error(f"{type(part).__name__} that is no array ({error})", "integers or a mask") from None
        return _core.asarray(array.astype("int64") if array.size == 0 and array.dtype.kind == "f" else array)
    return operator.index(part) if hasattr(type(part), "__index__") and not isinstance(part, Tensor) else part


def _places(part: Any) -> list[Any]:
    """A mask as the positions where it is true, one array per axis."""
    import numpy as np

    if not is_mask(part):
        if isinstance(part, Tensor) and (part.dtype.is_float or part.dtype.is_complex):
            raise _error(f"an index of {part.dtype.name}", "integers or a mask")
        return [part]
    if part.symbolic:
        raise _core.TraceError(
            "[index] received a mask whose values are known only when the compiled step runs; expected one with a "
            "value; use powertrain.where"
        )
    if part.ndim == 0:
        return [_Truth(_core.tensor(np.flatnonzero(part.numpy())))]
    return [_core.asarray(places) for places in np.nonzero(part.numpy())]


def check_masks(tensor: Tensor, key: Any) -> None:
    """A mask has the sizes of the axes that it covers."""
    axis = 0
    for part in key if isinstance(key, tuple) else (key,):
        part = _plain(part)
        if part is Ellipsis:
            return
        if is_mask(part):
            covered = tensor.shape[axis : axis + part.ndim]
            if covered != part.shape:
                raise _error(f"a mask of {list(part.shape)}", f"one of {list(covered)}")
            axis += part.ndim
        else:
            axis += part is not None


def _advanced(tensor: Tensor, keys: list[Any]) -> Tensor:
    """Arrays of integers, broadcast against each other; integers beside them are arrays of one element."""
    import numpy as np

    arrays = {i: part for i, part in enumerate(keys) if isinstance(part, (Tensor, int))}
    rest = _core.pick(tensor, tuple(slice(None) if i in arrays else part for i, part in enumerate(keys)))
    if len(arrays) == 1:
        axis, index = next(iter(arrays.items()))
        return OPERATORS["take"](rest, _wide(index), axis)
    axes = list(arrays)
    sizes = [rest.shape[axis] for axis in axes]
    flat, inside = None, None
    for size, part in zip(sizes, arrays.values(), strict=True):
        index = _wide(part)
        fits = OPERATORS["logical_and"](index >= -size, index < size)
        index = OPERATORS["where"](index < 0, index + size, index)
        flat = index if flat is None else flat * size + index
        inside = fits if inside is None else OPERATORS["logical_and"](inside, fits)
    count = int(np.prod(sizes))
    flat = OPERATORS["where"](inside, flat, count)  # take reports what is outside
    others = [axis for axis in range(rest.ndim) if axis not in arrays]
    rows = OPERATORS["permute_dims"](rest, (*axes, *others))
    kept = [rest.shape[axis] for axis in others]
    result = OPERATORS["take"](OPERATORS["reshape"](rows, (count, *kept)), flat, 0)
    # Neighbouring arrays leave their axes in their place; others put them in front.
    together = axes == list(range(axes[0], axes[0] + len(axes)))
    if not together or axes[0] == 0:
        return result
    order = list(range(flat.ndim, flat.ndim + axes[0])) + list(range(flat.ndim))
    return OPERATORS["permute_dims"](result, (*order, *range(flat.ndim + axes[0], result.ndim)))


def _wide(index: Any) -> Tensor:
    import numpy as np

    tensor = _core.asarray(np.asarray(index, "int64")) if isinstance(index, int) else index
    return tensor if tensor.dtype in (_core.DType.int32, _core.DType.int64) else OPERATORS["astype"](tensor, "int64")
