"""Tensor's operators and methods, each one call of an op."""

from __future__ import annotations

from typing import Any, Final

from powertrain import _core
from powertrain._core import Slot, Tensor
from powertrain.devices.place import device as place
from powertrain.devices.place import named
from powertrain.errors import attributes, hints
from powertrain.errors.arguments import shown, written
from powertrain.errors.boundary import public
from powertrain.errors.sizes import Size
from powertrain.ops.functional import OPERATORS
from powertrain.ops.numpy_protocol import array_function, array_ufunc
from powertrain.ops.quantiles import quantile
from powertrain.ops.searching import nonzero

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
# Each is the function of that name.
_METHODS = (
    "abs", "acos", "acosh", "all", "any", "argmax", "argmin", "argsort", "asin", "asinh", "atan", "atanh",
    "broadcast_to", "ceil", "clip", "conj", "cos", "cosh", "count_nonzero", "cumulative_prod", "cumulative_sum",
    "diagonal", "diff", "erf", "exp", "expand_dims", "expm1", "flatten", "flip", "floor", "isfinite", "isinf",
    "isnan", "log", "log10", "log1p", "log2", "log_softmax", "logsumexp", "matmul", "max", "maximum", "mean",
    "median", "min", "minimum", "moveaxis", "permute_dims", "prod", "reciprocal", "relu", "repeat",
    "roll", "round", "rsqrt", "sigmoid", "sign", "sin", "sinh", "softmax", "sort", "split", "sqrt", "square",
    "squeeze", "std", "sum", "swapaxes", "take", "tan", "tanh", "tile", "topk", "trace", "tril", "triu", "trunc",
    "unstack", "var",
)  # fmt: skip


def _reshape(self: Tensor, *shape: Any, **others: Any) -> Tensor:
    """The same elements in another shape; one size may be -1."""
    if others and not shape:
        return OPERATORS["reshape"](self, **others)
    given = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
    return OPERATORS["reshape"](self, given, **others)


# What PyTorch's callers write to exchange the axes of a matrix, and NumPy's would not write to leave them.
_FIRST_TWO = ((0, 1), (-2, -1))


def _transpose(self: Tensor, *axes: Any, **others: Any) -> Tensor:
    """The axes in another order; reversed if none is given."""
    if not axes:
        return OPERATORS["permute_dims"](self, **others)
    if len(axes) == 2 and self.ndim > 2:
        raise _core.ShapeError(
            f"[transpose] received {shown(axes[0])}, {shown(axes[1])} of {self.dtype.name}{list(self.shape)}; expected "
            f"every axis once; write x.swapaxes({shown(axes[0])}, {shown(axes[1])}) to exchange two"
        )
    if self.ndim == 2 and all(type(axis) is int for axis in axes) and axes in _FIRST_TWO:
        raise _core.ShapeError(
            f"[transpose] received {axes[0]}, {axes[1]} of {self.dtype.name}{list(self.shape)}; expected another order "
            f"than the one it has; write x.swapaxes({axes[0]}, {axes[1]}) to exchange two, x.transpose(({axes[0]}, "
            f"{axes[1]})) to keep both"
        )
    order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    return OPERATORS["permute_dims"](self, order, **others)


def _iterate(self: Tensor) -> Any:
    return (self[i] for i in range(len(self)))


def _contains(self: Tensor, value: Any) -> bool:
    return bool(OPERATORS["any"](OPERATORS["equal"](self, value)))


def _divmod(self: Tensor, other: Any) -> tuple[Tensor, Tensor]:
    return OPERATORS["floor_divide"](self, other), OPERATORS["remainder"](self, other)


def _rdivmod(self: Tensor, other: Any) -> tuple[Tensor, Tensor]:
    return OPERATORS["floor_divide"](other, self), OPERATORS["remainder"](other, self)


def _round(self: Tensor, digits: int | None = None) -> Tensor:
    """To the nearest number of so many digits behind the point, halves to even."""
    places = 0 if digits is None else _core.integer(digits, "digits", "round")
    if places == 0:
        return OPERATORS["round"](self)
    scale = 10.0 ** max(-300, min(places, 300))
    return OPERATORS["round"](self * scale) / scale


def _format(self: Tensor, spec: str) -> str:
    """A tensor without axes as its number; a larger one as it is printed."""
    if self.ndim == 0 and not self.symbolic:
        number = self.item()
        try:
            return format(number, spec)
        except ValueError as error:
            raise _core.ShapeError(
                f"[format] received {spec!r}: {error}; expected a format of {type(number).__name__}; for example '.2f'"
            ) from None
    if spec:
        raise _core.DTypeError(
            f"[format] received {spec!r} for {self.dtype.name}{list(self.shape)}; expected a tensor without axes; "
            "format its elements, as of x.tolist()"
        )
    return str(self)


def _moved(tensor: Tensor, where_to: object) -> Tensor:
    """The same object, if it is there."""
    there = _core.to_device(tensor, where_to)
    return tensor if _core.device_of(there) == _core.device_of(tensor) else there


def _to(
    self: Tensor, *targets: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, copy: bool = False
) -> Tensor:
    """The numbers in a dtype, on a device, or in the dtype and on the device of another tensor. Numbers never change,
    so that a copy is the same tensor, and a result is there when it is read: there is nothing to wait for."""
    result = self
    for target in (*targets, dtype, device):
        if target is None:
            continue
        if isinstance(target, (Tensor, Slot)):
            result = OPERATORS["astype"](_core.to_device(result, _core.device_of(target)), target.dtype)
        elif (wanted := _core.as_dtype(target)) is not None:
            result = OPERATORS["astype"](result, wanted)
        elif named(target):
            result = _moved(result, target)
        else:
            raise _core.DTypeError(
                f"[to] received {shown(target)}; expected a dtype, or a device such as 'cpu' or 'cuda'; for example "
                ".to('float64')"
            )
    return result


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

    if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
        raise _core.ShapeError(
            f"[array_namespace] api_version = {api_version!r}; expected {array_api.__array_api_version__!r} or an "
            "earlier one; leave it out"
        )
    return array_api


def _cuda(self: Tensor, device: int | None = None) -> Tensor:
    """The tensor on a GPU, the first unless an index says which."""
    return _moved(self, place("cuda", device))


def _cpu(self: Tensor) -> Tensor:
    """The tensor in main memory."""
    return _moved(self, "cpu")


def _to_device(self: Tensor, device: Any, *, stream: Any = None) -> Tensor:
    """The tensor on that device; itself, if it is there."""
    return _moved(self, device)


# What to write in place of an assignment to what a tensor has.
_ASSIGNED: Final = {
    "shape": "x = x.reshape(shape)",
    "dtype": "x = x.astype(dtype)",
    "device": "x = x.to(device)",
    "T": "x = x.T",
}


def _set_attribute(self: Tensor, name: str, value: Any) -> None:
    """Tensors have no attributes of a user's."""
    if name.startswith("__"):
        object.__setattr__(self, name, value)
        return
    line = _ASSIGNED.get(name) or hints.line("Tensor", name)
    line = line or "x[...] = value for its elements, or keep what belongs to it beside it"
    raise hints.UnknownNameError(
        f"[Tensor] {name} = {written(value)}; expected no assignment to an attribute of a tensor; write {line}"
    )


def _no_init(self: Tensor, *args: Any, **kwargs: Any) -> None:
    raise _core.DTypeError(
        "[Tensor] received a call of __init__; expected a function that makes one; for example powertrain.tensor(data)"
    )


def _install(cls: Any) -> None:
    for python, op in _BINARY.items():
        setattr(cls, f"__{python}__", OPERATORS[op])
        setattr(cls, f"__r{python}__", _core.op_function(op, reversed=True))
        setattr(cls, f"__i{python}__", _core.op_function(op, updates=True))
    for python, op in _COMPARE.items():
        setattr(cls, f"__{python}__", OPERATORS[op])
    cls.__neg__ = OPERATORS["negative"]
    cls.__abs__ = OPERATORS["abs"]
    cls.__array_ufunc__, cls.__array_function__, cls.__array_priority__ = array_ufunc, array_function, 1000.0


def _install_on_tensor(cls: Any) -> None:
    cls.__init__, cls.__setattr__ = _no_init, _set_attribute
    cls.__pos__ = OPERATORS["positive"]
    cls.__invert__ = OPERATORS["bitwise_invert"]
    for python, op in _BITS.items():
        setattr(cls, f"__{python}__", OPERATORS[op])
        setattr(cls, f"__r{python}__", _core.op_function(op, reversed=True))
        setattr(cls, f"__i{python}__", _core.op_function(op, updates=True))
    cls.__hash__ = object.__hash__
    cls.__iter__, cls.__contains__ = public(_iterate), public(_contains)
    cls.__divmod__, cls.__rdivmod__, cls.__round__, cls.__format__ = _divmod, _rdivmod, _round, _format
    for name in _METHODS:
        setattr(cls, name, OPERATORS[name])
    cls.copy = _core.op_function("copy")
    cls.to, cls.nonzero, cls.quantile = public(_to), public(nonzero), public(quantile)
    cls.reshape, cls.transpose, cls.astype = _reshape, _transpose, OPERATORS["astype"]
    cls.T = property(_transpose)
    cls.mT = property(OPERATORS["matrix_transpose"])
    cls.real, cls.imag = property(OPERATORS["real"]), property(OPERATORS["imag"])
    cls.cuda, cls.cpu = public(_cuda), public(_cpu)
    cls.to_device, cls.__array_namespace__ = public(_to_device), _array_namespace
    cls.__index__ = public(_index)


def _has_numbers(value: Any) -> bool:
    if isinstance(value, Slot):
        return False
    return isinstance(value, (Tensor, int, float, complex)) or hasattr(value, "__array__")


def _slot_equal(self: Slot, other: Any) -> Any:
    """Where the value equals numbers; of another slot, and of anything else, whether it is this one."""
    return OPERATORS["equal"](self, other) if _has_numbers(other) else object.__eq__(self, other)


def _slot_not_equal(self: Slot, other: Any) -> Any:
    return OPERATORS["not_equal"](self, other) if _has_numbers(other) else object.__ne__(self, other)


def _install_on_slot(cls: Any) -> None:
    """A slot is itself, whatever its value: comparing two of them asks whether they are one."""
    cls.__hash__ = object.__hash__
    cls.__eq__, cls.__ne__ = _slot_equal, _slot_not_equal


_core.DType.__getattr__ = attributes.missing  # type: ignore[attr-defined]
_install(Tensor)
_install_on_tensor(Tensor)
_core.size_by(Size)
_install(Slot)
_install_on_slot(Slot)
_core.call_operators(Tensor)
_core.call_operators(Slot)
_core.call_comparisons(Tensor)
_core.set_class_of_places(place)
