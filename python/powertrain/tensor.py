"""Tensor's operators and methods, each one call of an op."""

from __future__ import annotations

from typing import Any

from powertrain import _core
from powertrain._core import Slot, Tensor
from powertrain.functional import OPERATORS

__all__ = ["Slot", "Tensor"]

_BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "power", "matmul": "matmul",
    "mod": "remainder", "floordiv": "floor_divide",
}  # fmt: skip
_COMPARE = {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}  # fmt: skip
_METHODS = (
    "sum", "mean", "max", "min", "prod", "any", "all", "argmax", "argmin", "var", "exp", "log", "sqrt", "tanh",
    "sigmoid", "relu", "square", "broadcast_to", "expand_dims", "squeeze",
)  # fmt: skip


def _reshape(self: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape; one size may be -1."""
    return OPERATORS["reshape"](self, shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape)


def _transpose(self: Tensor, *axes: Any) -> Tensor:
    """The axes in another order; reversed if none is given."""
    if not axes:
        return OPERATORS["transpose"](self)
    return OPERATORS["transpose"](self, axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes)


def _astype(self: Tensor, dtype: Any) -> Tensor:
    """The same numbers in another dtype."""
    return OPERATORS["cast"](self, dtype)


def _error(received: str, expected: str) -> _core.IndexError:
    return _core.IndexError(f"[index] received {received}; expected {expected}; see help(powertrain.take)")


def _item(self: Tensor | Slot, key: Any) -> Tensor:
    """Basic indexing as NumPy's (integers, slices, None, ...), and integers in an array along the first axis."""
    tensor = self.value if isinstance(self, Slot) else self
    keys = key if isinstance(key, tuple) else (key,)
    if len(keys) == 1 and _is_index_array(keys[0]):
        return OPERATORS["take"](tensor, keys[0], 0)
    if keys.count(Ellipsis) > 1 if all(isinstance(k, (int, slice, type(None), type(Ellipsis))) for k in keys) else True:
        raise _error(f"{key!r}", "integers, slices, None and one ..., or one array of integers")
    used = sum(k is not None and k is not Ellipsis for k in keys)
    if used > tensor.ndim:
        raise _error(f"{used} indices for {tensor.ndim} axes", f"at most {tensor.ndim}")
    if Ellipsis not in keys:
        keys = (*keys, Ellipsis)
    at = keys.index(Ellipsis)
    keys = (*keys[:at], *([slice(None)] * (tensor.ndim - used)), *keys[at + 1 :])
    return _basic(tensor, keys)


def _is_index_array(key: Any) -> bool:
    return isinstance(key, (Tensor, Slot, list)) or (hasattr(key, "__array__") and getattr(key, "ndim", 0) > 0)


def _basic(tensor: Tensor, keys: tuple[Any, ...]) -> Tensor:
    start, stop, step, shape = [], [], [], []
    axis = 0
    for key in keys:
        if key is None:
            shape.append(1)
            continue
        size = tensor.shape[axis]
        if isinstance(key, slice):
            low, high, stride = key.indices(size)
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


def _iterate(self: Tensor) -> Any:
    return (self[i] for i in range(len(self)))


def _dlpack(self: Tensor, **options: Any) -> Any:
    return self.numpy().__dlpack__(**options)


def _install(cls: Any) -> None:
    for python, op in _BINARY.items():
        setattr(cls, f"__{python}__", OPERATORS[op])
        setattr(cls, f"__r{python}__", _core.op_function(op, reversed=True))
    for python, op in _COMPARE.items():
        setattr(cls, f"__{python}__", OPERATORS[op])
    cls.__neg__ = OPERATORS["negative"]
    cls.__abs__ = OPERATORS["abs"]
    cls.__getitem__ = _item
    # NumPy then leaves `array * tensor` to us instead of looping over its elements.
    cls.__array_ufunc__ = None


def _install_on_tensor(cls: Any) -> None:
    cls.__invert__ = OPERATORS["logical_not"]
    cls.__and__ = OPERATORS["logical_and"]
    cls.__or__ = OPERATORS["logical_or"]
    cls.__hash__ = object.__hash__
    cls.__iter__ = _iterate
    cls.__dlpack__ = _dlpack
    cls.__dlpack_device__ = lambda self: (1, 0)
    for name in _METHODS:
        setattr(cls, name, OPERATORS[name])
    cls.reshape, cls.transpose, cls.astype = _reshape, _transpose, _astype
    cls.T = property(_transpose)


def _install_on_slot(cls: Any) -> None:
    """A slot is itself, whatever its value: comparing two of them asks whether they are one."""
    cls.__hash__ = object.__hash__
    cls.__eq__ = object.__eq__
    cls.__ne__ = object.__ne__


_install(Tensor)
_install_on_tensor(Tensor)
_install(Slot)
_install_on_slot(Slot)
