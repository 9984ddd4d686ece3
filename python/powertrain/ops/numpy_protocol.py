"""NumPy's functions on tensors: `np.sin(x)`, `array + x` and `np.mean(x)` are ours, and give tensors.

A function of NumPy's without a counterpart here gets arrays, and gives what it makes of them. A ufunc without one is an
error, since operators become ufuncs and would leave a gradient out silently.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from powertrain import _core
from powertrain._core import Slot, Tensor
from powertrain.ops.axes import one_axis
from powertrain.ops.functional import OPERATORS, signature

# Where the names differ.
_UFUNCS = {
    "absolute": "abs", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan",
    "arctan2": "atan2", "arctanh": "atanh", "bitwise_count": "", "conjugate": "conj", "fabs": "abs",
    "float_power": "pow", "power": "pow", "invert": "bitwise_invert", "left_shift": "bitwise_left_shift",
    "mod": "remainder", "right_shift": "bitwise_right_shift", "rint": "round", "true_divide": "divide",
}  # fmt: skip
# Those that are functions of `powertrain`, made of ops.
_MADE = {
    "degrees": "rad2deg", "radians": "deg2rad",
    **{name: name for name in ("deg2rad", "frexp", "gcd", "heaviside", "lcm", "ldexp", "rad2deg")},
}  # fmt: skip
_REDUCED = {
    "add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logical_and": "all", "logical_or": "any",
}  # fmt: skip
_ACCUMULATED = {"add": "cumulative_sum", "multiply": "cumulative_prod"}


def array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, out: Any = None, **settings: Any) -> Any:
    """What NumPy calls in place of a ufunc of its own when one of the inputs is a tensor."""
    import numpy as np

    if out is not None and not any(isinstance(one, (Tensor, Slot)) for one in out):  # into an array of NumPy's
        arrays = (np.asarray(one) if isinstance(one, (Tensor, Slot)) else one for one in inputs)
        return getattr(ufunc, method)(*arrays, out=out, **settings)
    dtype = settings.pop("dtype", None)
    result = _of_method(ufunc, method)(*inputs, **settings)
    if dtype is not None:
        result = OPERATORS["astype"](result, dtype)
    if out is None:
        return result
    out[0][...] = result
    return out[0]


def _of_method(ufunc: Any, method: str) -> Callable[..., Any]:
    name = ufunc.__name__
    if method == "reduce" and name in _REDUCED:
        return lambda x, axis=0, keepdims=False: OPERATORS[_REDUCED[name]](x, axis, keepdims)
    if method == "accumulate" and name in _ACCUMULATED:
        return lambda x, axis=0: OPERATORS[_ACCUMULATED[name]](x, axis)
    if method == "__call__":
        if name == "divmod":
            return lambda a, b: (OPERATORS["floor_divide"](a, b), OPERATORS["remainder"](a, b))
        if name in _MADE:
            import powertrain

            made: Callable[..., Any] = getattr(powertrain, _MADE[name])
            return made
        op = _op(name, ufunc.nin)
        if op is not None:
            return op
    called = name if method == "__call__" else f"{name}.{method}"
    raise _core.DTypeError(
        f"[numpy] received a tensor for numpy.{called}, which has no counterpart here; expected an array; write "
        f"numpy.{called}(x.numpy())"
    )


@functools.cache
def _op(name: str, inputs: int) -> Callable[..., Tensor] | None:
    """The op of a ufunc, if it takes as many arrays."""
    op = OPERATORS.get(_UFUNCS.get(name, name))
    if op is None:
        return None
    required = [one for one in signature(_UFUNCS.get(name, name)).parameters.values() if one.default is one.empty]
    return op if len(required) == inputs else None


# Functions of NumPy's that are ours, and those that have another name here.
_FUNCTIONS = {
    "amax": "max", "amin": "min", "around": "round", "concatenate": "concat", "cumprod": "cumulative_prod",
    "cumsum": "cumulative_sum", "transpose": "permute_dims",
    **{name: name for name in (
        "all", "any", "argmax", "argmin", "argsort", "atleast_1d", "atleast_2d", "atleast_3d", "average",
        "broadcast_to", "choose", "clip", "column_stack", "concat", "count_nonzero", "cov", "cross", "cumulative_prod",
        "cumulative_sum", "diagonal", "diff", "dot", "dstack", "einsum", "expand_dims", "flip", "fliplr", "flipud",
        "full_like", "hstack", "i0", "inner", "isclose", "kron", "matrix_transpose", "max", "mean", "min", "moveaxis",
        "nan_to_num", "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmin", "nanprod",
        "nanstd", "nansum", "nanvar", "ones_like", "outer", "permute_dims", "polyval", "prod", "ravel", "repeat",
        "reshape", "roll", "rot90", "round", "sort", "squeeze", "stack", "std", "sum", "swapaxes", "take_along_axis",
        "tensordot", "tile", "trace", "tril", "triu", "unwrap", "var", "vdot", "vstack", "where", "zeros_like",
    )},
}  # fmt: skip
_NAMES = {"ddof": "correction"}
# What they ask for is known of a symbolic tensor too.
_FACTS: dict[str, Callable[..., Any]] = {
    "ndim": lambda a: a.ndim,
    "shape": lambda a: tuple(a.shape),
    "size": lambda a, axis=None: a.size if axis is None else _count(a, axis),
}


def _count(x: Any, axis: int | tuple[int, ...]) -> int:
    """The number of elements along one axis, or along several."""
    return math.prod(x.shape[one_axis(x, one, "size")] for one in (axis if isinstance(axis, tuple) else (axis,)))


def array_function(self: Any, function: Any, types: Any, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """What NumPy calls in place of a function of its own when an argument is a tensor."""
    name = _FUNCTIONS.get(function.__name__)
    module = getattr(function, "__module__", "")
    if function.__name__ in _FACTS and module == "numpy":
        return _FACTS[function.__name__](*args, **settings)
    if name is None or module != "numpy" or settings.get("out") is not None or (name == "where" and len(args) != 3):
        return function(*_arrays(args), **_arrays(settings))
    dtype = settings.get("dtype")
    passed = {
        _NAMES.get(key, key): value
        for key, value in settings.items()
        if key not in ("out", "dtype") and repr(value) != "<no value>" and value is not None
    }
    import powertrain

    result = getattr(powertrain, name)(*args, **passed)
    return result if dtype is None else OPERATORS["astype"](result, dtype)


def _arrays(value: Any) -> Any:
    if isinstance(value, (Tensor, Slot)):
        return value.numpy()
    if type(value) in (list, tuple):
        return type(value)(_arrays(part) for part in value)
    if type(value) is dict:
        return {key: _arrays(part) for key, part in value.items()}
    return value
