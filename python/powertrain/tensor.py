"""Tensor's operators and methods, each one call of an op."""

from __future__ import annotations

from typing import Any

from powertrain import _core
from powertrain._core import Slot, Tensor
from powertrain.functional import OPERATORS
from powertrain.indexing import item

__all__ = ["Slot", "Tensor"]

_BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "pow", "matmul": "matmul",
    "mod": "remainder", "floordiv": "floor_divide",
}  # fmt: skip
_COMPARE = {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}  # fmt: skip
# Of bool these are the logical operations.
_BITS = {
    "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor", "lshift": "bitwise_left_shift",
    "rshift": "bitwise_right_shift",
}  # fmt: skip
_METHODS = (
    "sum", "mean", "max", "min", "prod", "any", "all", "argmax", "argmin", "var", "std", "exp", "log", "sqrt", "tanh",
    "sigmoid", "relu", "square", "broadcast_to", "expand_dims", "squeeze", "conj",
)  # fmt: skip


def _reshape(self: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape; one size may be -1."""
    return OPERATORS["reshape"](self, shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape)


def _transpose(self: Tensor, *axes: Any) -> Tensor:
    """The axes in another order; reversed if none is given."""
    if not axes:
        return OPERATORS["permute_dims"](self)
    return OPERATORS["permute_dims"](self, axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes)


def _astype(self: Tensor, dtype: Any) -> Tensor:
    """The same numbers in another dtype."""
    return OPERATORS["astype"](self, dtype)


def _iterate(self: Tensor) -> Any:
    return (self[i] for i in range(len(self)))


def _index(self: Tensor) -> int:
    """As a position: of one integer."""
    if self.dtype.is_float or self.dtype.is_complex or self.ndim:
        raise _core.DTypeError(
            f"[index] received {self.dtype.name}{list(self.shape)}; expected one integer; use int(x) to round"
        )
    return int(self.item())


def _array_namespace(self: Tensor, *, api_version: str | None = None) -> Any:
    """The array API's functions."""
    from powertrain import array_api

    return array_api


def _to_device(self: Tensor, device: Any, *, stream: Any = None) -> Tensor:
    """The same tensor: all of them are in main memory."""
    if device != "cpu":
        raise _core.Error(f"[to_device] received {device!r}; expected 'cpu'; there is no other device")
    return self


def _no_init(self: Tensor, *args: Any, **kwargs: Any) -> None:
    raise _core.DTypeError(
        "[Tensor] received a call of __init__; expected a function that makes one; for example powertrain.tensor(data)"
    )


def _install(cls: Any) -> None:
    for python, op in _BINARY.items():
        setattr(cls, f"__{python}__", OPERATORS[op])
        setattr(cls, f"__r{python}__", _core.op_function(op, reversed=True))
    for python, op in _COMPARE.items():
        setattr(cls, f"__{python}__", OPERATORS[op])
    cls.__neg__ = OPERATORS["negative"]
    cls.__abs__ = OPERATORS["abs"]
    cls.__getitem__ = item
    # NumPy then leaves `array * tensor` to us instead of looping over its elements.
    cls.__array_ufunc__ = None


def _install_on_tensor(cls: Any) -> None:
    cls.__init__ = _no_init
    cls.__pos__ = OPERATORS["positive"]
    cls.__invert__ = OPERATORS["bitwise_invert"]
    for python, op in _BITS.items():
        setattr(cls, f"__{python}__", OPERATORS[op])
        setattr(cls, f"__r{python}__", _core.op_function(op, reversed=True))
    cls.__hash__ = object.__hash__
    cls.__iter__ = _iterate
    for name in _METHODS:
        setattr(cls, name, OPERATORS[name])
    cls.reshape, cls.transpose, cls.astype = _reshape, _transpose, _astype
    cls.T = property(_transpose)
    cls.mT = property(OPERATORS["matrix_transpose"])
    cls.real, cls.imag = property(OPERATORS["real"]), property(OPERATORS["imag"])
    cls.device = property(lambda self: "cpu")
    cls.to_device, cls.__array_namespace__, cls.__index__ = _to_device, _array_namespace, _index


def _install_on_slot(cls: Any) -> None:
    """A slot is itself, whatever its value: comparing two of them asks whether they are one."""
    cls.__hash__ = object.__hash__
    cls.__eq__ = object.__eq__
    cls.__ne__ = object.__ne__


_install(Tensor)
_install_on_tensor(Tensor)
_install(Slot)
_install_on_slot(Slot)
