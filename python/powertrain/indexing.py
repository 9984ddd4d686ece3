"""Indexing as NumPy's: integers, slices, None, ..., arrays of integers, and masks."""

from __future__ import annotations

from typing import Any

from powertrain import _core
from powertrain._core import Slot, Tensor
from powertrain.functional import OPERATORS

_BASIC = (int, slice, type(None), type(Ellipsis))


def _error(received: str, expected: str) -> _core.IndexError:
    return _core.IndexError(f"[index] received {received}; expected {expected}; see help(powertrain.take)")


def item(self: Tensor | Slot, key: Any) -> Tensor:
    """Basic indexing gives views; arrays of integers and masks pick elements, as in NumPy.

    A mask is read when it is used, so it must have a value: within a compiled step use where, or weights of 0.
    """
    tensor = self.value if isinstance(self, Slot) else self
    keys = [_plain(part) for part in (key if isinstance(key, tuple) else (key,))]
    for part in keys:
        if not isinstance(part, (*_BASIC, Tensor)):
            raise _error(f"{key!r}", "integers, slices, None, ..., arrays of integers and masks")
    if sum(part is Ellipsis for part in keys) > 1:
        raise _error(f"{key!r}", "one ... at most")
    keys = [place for part in keys for place in _places(part)]
    used = sum(part is not None and part is not Ellipsis for part in keys)
    if used > tensor.ndim:
        raise _error(f"{used} indices for {tensor.ndim} axes", f"at most {tensor.ndim}")
    if Ellipsis not in [part for part in keys if not isinstance(part, Tensor)]:
        keys.append(Ellipsis)
    at = next(i for i, part in enumerate(keys) if part is Ellipsis)
    keys[at : at + 1] = [slice(None)] * (tensor.ndim - used)
    if any(isinstance(part, Tensor) for part in keys):
        _check_masks(tensor, key)
        return _advanced(tensor, keys)
    return _basic(tensor, keys)


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
        array = np.asarray(part)
        return _core.asarray(array.astype("int64") if array.size == 0 and array.dtype.kind == "f" else array)
    return part


def _places(part: Any) -> list[Any]:
    """A mask as the positions where it is true, one array per axis."""
    import numpy as np

    if not isinstance(part, Tensor) or part.dtype != _core.DType.bool:
        if isinstance(part, Tensor) and (part.dtype.is_float or part.dtype.is_complex):
            raise _error(f"an index of {part.dtype.name}", "integers or a mask")
        return [part]
    if part.ndim == 0:
        raise _error("a mask without axes", "a mask of one axis or more, or expand_dims")
    if part.symbolic:
        raise _core.TraceError(
            "[index] received a mask whose values are known only when the compiled step runs; expected one with a "
            "value; use powertrain.where"
        )
    return [_core.asarray(places) for places in np.nonzero(part.numpy())]


def _check_masks(tensor: Tensor, key: Any) -> None:
    """A mask has the sizes of the axes that it covers."""
    axis = 0
    for part in key if isinstance(key, tuple) else (key,):
        part = _plain(part)
        if part is Ellipsis:
            return
        if isinstance(part, Tensor) and part.dtype == _core.DType.bool:
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
    rest = _basic(tensor, [slice(None) if i in arrays else part for i, part in enumerate(keys)])
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


def _bounds(key: slice, size: int) -> tuple[int, int, int]:
    try:
        return key.indices(size)
    except (TypeError, ValueError) as error:
        raise _error(f"{key!r}: {error}", "integers or None, and a step other than 0") from None


def _basic(tensor: Tensor, keys: list[Any]) -> Tensor:
    start, stop, step, shape = [], [], [], []
    axis = 0
    for key in keys:
        if key is None:
            shape.append(1)
            continue
        size = tensor.shape[axis]
        if isinstance(key, slice):
            low, high, stride = _bounds(key, size)
            count = len(range(low, high, stride))
            shape.append(count)
        else:
            if not -size <= key < size:
                raise _error(f"{key} for axis {axis} of size {size}", f"{-size} to {size - 1}")
            low, stride, count = key % size, 1, 1
        start.append(low)
        stop.append(low + count * stride)
        step.append(stride)
        axis += 1
    whole = all(a == 0 and s == 1 and b == n for a, b, s, n in zip(start, stop, step, tensor.shape, strict=True))
    piece = tensor if whole else OPERATORS["slice"](tensor, start, stop, step)
    return piece if tuple(shape) == piece.shape else OPERATORS["reshape"](piece, shape)
