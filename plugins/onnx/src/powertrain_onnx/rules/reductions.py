"""Ops along axes: sums, extremes and their places, running sums, orders, softmax and norms of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from powertrain_onnx.writer import Call, Operand, Writer, ints

Rule = Callable[..., Any]


def axes_of(call: Call, x: Operand) -> tuple[int, ...]:
    axis = call["axis"]
    if axis is None:
        return tuple(range(x.ndim))
    return tuple(one % x.ndim for one in (axis if isinstance(axis, tuple) else (axis,)))


def summed_in(call: Call) -> str:
    """The dtype of a sum: to its bits the sign does not matter, and runtimes have no sums without one."""
    return "int64" if call.dtype == "uint64" else call.dtype


def reduced(op: str, summed: bool = False) -> Rule:
    """`summed`: in the dtype of the result, which is wider where x has integers."""

    def rule(w: Writer, call: Call, x: Operand) -> str:
        dtype = summed_in(call)
        held: Any = w.cast(x, dtype) if summed and x.dtype != dtype else x
        axes = axes_of(call, x)
        made = w.node(op, held, ints(*axes), keepdims=int(call["keepdims"])) if axes else w.node("Identity", held)
        return w.cast(made, call.dtype) if summed and dtype != call.dtype else made

    return rule


def truth(op: str) -> Rule:
    """all and any, as the least or the sum of zeros and ones: of none the sum is 0."""

    def rule(w: Writer, call: Call, x: Operand) -> str:
        held = w.cast(w.cast(x, "bool"), "int32")
        axes = axes_of(call, x)
        made = w.node(op, held, ints(*axes), keepdims=int(call["keepdims"])) if axes else held
        return w.cast(made, "bool")

    return rule


def place(op: str) -> Rule:
    def rule(w: Writer, call: Call, x: Operand) -> str:
        axes = axes_of(call, x)
        held: Any = x
        if len(axes) != 1:
            held, axes = w.node("Reshape", x, ints(-1)), (0,)
            made = w.node(op, held, axis=0, keepdims=0)
            made = w.reshape(made, call.shape)
        else:
            made = w.node(op, held, axis=axes[0], keepdims=int(call["keepdims"]))
        return made if call.dtype == "int64" else w.cast(made, call.dtype)

    return rule


def argsort(w: Writer, call: Call, x: Operand) -> str:
    """Of equal elements TopK has the one of the lower index first, which makes it stable."""
    axis = call["axis"] % x.ndim
    size = x.shape[axis]
    if not isinstance(size, int):
        raise call.refused("sorts the rows of the batch; expected another axis; sort within each row")
    order = w.several("TopK", 2, x, ints(size), axis=axis, largest=int(call["descending"]), sorted=1)[1]
    return order if call.dtype == "int64" else w.cast(order, call.dtype)


def cumulative_sum(w: Writer, call: Call, x: Operand) -> str:
    axis = 0 if call["axis"] is None else call["axis"] % x.ndim
    dtype = summed_in(call)
    made = w.node("CumSum", w.cast(x, dtype) if x.dtype != dtype else x, np.array(axis), reverse=int(call["reverse"]))
    if call["include_initial"]:
        edge = [1 if at == axis else size for at, size in enumerate(x.shape)]
        made = w.node("Concat", w.expand(np.zeros((1,) * x.ndim, dtype), (1,) * x.ndim, edge), made, axis=axis)
    return made if dtype == call.dtype else w.cast(made, call.dtype)


def along(op: str) -> Rule:
    """softmax and log_softmax, of one axis or of several as one."""

    def rule(w: Writer, call: Call, x: Operand) -> str:
        axes = axes_of(call, x)
        if len(axes) == 1:
            return w.node(op, x, axis=axes[0])
        raise call.refused(f"along the axes {axes}; expected one; reshape them into one before")

    return rule


def layer_norm(w: Writer, call: Call, x: Operand, weight: Operand | None, bias: Operand | None) -> str:
    scale: Any = np.ones(x.shape[-1:], x.dtype) if weight is None else weight
    return w.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=float(call["eps"]))


RULES: dict[str, Rule] = {
    "all": truth("ReduceMin"),
    "any": truth("ReduceSum"),
    "argmax": place("ArgMax"),
    "argmin": place("ArgMin"),
    "argsort": argsort,
    "cumulative_sum": cumulative_sum,
    "layer_norm": layer_norm,
    "log_softmax": along("LogSoftmax"),
    "max": reduced("ReduceMax"),
    "mean": reduced("ReduceMean", summed=True),
    "min": reduced("ReduceMin"),
    "prod": reduced("ReduceProd", summed=True),
    "softmax": along("Softmax"),
    "sum": reduced("ReduceSum", summed=True),
}
