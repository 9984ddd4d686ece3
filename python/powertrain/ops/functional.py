"""The ops as Python functions: made from their specs, so that a new op needs no line here."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

from powertrain import _core
from powertrain.devices.place import placed
from powertrain.errors.boundary import unknown_ops
from powertrain.ops import namespaces

if TYPE_CHECKING:
    from powertrain.typing import Device, DTypeLike


# Every op by its name, those too that only the engine calls. Those of several outputs give a tuple of tensors.
OPERATORS: dict[str, Callable[..., _core.Tensor]] = {name: _core.op_function(name) for name in _core.op_names()}
unknown_ops.update(namespaces.ENGINE_ONLY - {"copy", "guard"})  # the two have public functions of their names


def home(name: str) -> str:
    """The module in which users find the function of an op."""
    if name in namespaces.FUNCTIONAL or name in namespaces.BELOW_FUNCTIONAL:
        return "powertrain.nn.functional"
    if name in namespaces.LINALG:
        return "powertrain.linalg"
    return "powertrain._core" if name in namespaces.ENGINE_ONLY else "powertrain"


def op_names() -> list[str]:
    """The names of the ops that are functions of `powertrain` itself."""
    return [name for name in OPERATORS if home(name) == "powertrain" and name not in namespaces.BELOW_ARRAYS]


def signature(op: str | Mapping[str, Any]) -> inspect.Signature:
    """The signature of an op, from its spec: an op's name, or the facts of a plugin's."""
    spec = next((known for known in _core.ops() if known["name"] == op), None) if isinstance(op, str) else op
    if spec is None:
        raise _core.Error(f"[signature] no op is called {op}; expected one of powertrain._core.op_names(); check it")
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    empty = inspect.Parameter.empty
    parameters = [
        inspect.Parameter(i["name"], kind, default=None if i["optional"] else empty) for i in spec["inputs"]
    ] + [inspect.Parameter(a["name"], kind, default=empty if a["required"] else a["default"]) for a in spec["attrs"]]
    seen_default = False
    ordered = []
    for parameter in parameters:
        seen_default = seen_default or parameter.default is not empty
        keyword_only = seen_default and parameter.default is empty
        ordered.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) if keyword_only else parameter)
    ordered.sort(key=lambda p: p.kind)
    return inspect.Signature(ordered)


def documentation(thing: object) -> str:
    """The docstring of a function or a class; of an op what its spec says, its example too."""
    if not isinstance(thing, type(OPERATORS["copy"])):
        # pybind11 puts a signature first.
        return re.sub(r"\A\w+\([^\n]*\) -> [^\n]*\n*", "", inspect.getdoc(thing) or "")
    spec = next(known for known in _core.ops() if known["name"] == thing.__name__)
    return str(spec["documentation"])


def full(
    shape: int | Sequence[int], value: complex, dtype: DTypeLike | None = None, device: Device = None
) -> _core.Tensor:
    """A tensor whose elements are all `value`; float32 unless `dtype` says otherwise.

    Example
        >>> import powertrain as pt
        >>> pt.full((2,), 3).numpy().tolist()
        [3.0, 3.0]
    """
    if device is not None:
        return placed(device, full, shape, value, dtype)
    return _core.full(shape, value, dtype)


def check_one_shape(where: str, dtype: Any) -> None:
    """Refuse sizes one by one, of which the second would be taken for a dtype and the third for a device."""
    if type(dtype) is int:
        raise _core.DTypeError(
            f"[{where}] dtype = {dtype!r}; expected a dtype, after one shape; pass the shape as a tuple, such as "
            f"{where}((3, 4))"
        )


def zeros(shape: int | Sequence[int], dtype: DTypeLike | None = None, device: Device = None) -> _core.Tensor:
    """A tensor of zeros; float32 unless `dtype` says otherwise.

    Example
        >>> pt.zeros((2, 2)).tolist()
        [[0.0, 0.0], [0.0, 0.0]]
    """
    check_one_shape("zeros", dtype)
    if device is not None:
        return placed(device, zeros, shape, dtype)
    return _core.full(shape, 0.0, dtype)


def ones(shape: int | Sequence[int], dtype: DTypeLike | None = None, device: Device = None) -> _core.Tensor:
    """A tensor of ones; float32 unless `dtype` says otherwise.

    Example
        >>> pt.ones((2, 2)).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    check_one_shape("ones", dtype)
    if device is not None:
        return placed(device, ones, shape, dtype)
    return _core.full(shape, 1.0, dtype)


def arange(
    start: float, stop: float | None = None, step: float = 1, dtype: DTypeLike | None = None, device: Device = None
) -> _core.Tensor:
    """The numbers start, start + step, ... below stop; int64 when all three are integers, else float32.

    Integers are exact: uint64 where they are beyond int64.

    Errors    a step of 0; numbers that are not finite, or beyond 64 bits; a result that memory cannot hold

    Example
        >>> import powertrain as pt
        >>> pt.arange(1, 4).numpy().tolist()
        [1, 2, 3]
    """
    if device is not None:
        return placed(device, arange, start, stop, step, dtype)
    if stop is None:
        start, stop = 0, start
    whole = isinstance(start, int) and isinstance(stop, int) and isinstance(step, int)
    if not whole and not all(isinstance(value, Integral) for value in (start, stop, step)):
        return _core.real_range(start, stop, step, dtype)
    numbers = _core.range_of_integers(*((start, stop, step) if whole else map(int, (start, stop, step))))
    return numbers if dtype is None else _core.asarray(numbers, dtype)
