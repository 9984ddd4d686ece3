"""Ops that move elements and compute nothing, and ops that read and write by index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from powertrain_onnx.program import Rows
from powertrain_onnx.writer import BEFORE, END, Call, Operand, Writer, ints

LARGE = 1 << 16  # elements


def reshape(w: Writer, call: Call, x: Operand) -> str:
    return w.reshape(x, call.shape)


def permute_dims(w: Writer, call: Call, x: Operand) -> str:
    """Large weights, which others may read too, are not kept twice."""
    given = call["axes"]
    axes = tuple(reversed(range(x.ndim))) if given is None else [axis % x.ndim for axis in given]
    return w.transpose(w.name(x) if x.known and x.array.size > LARGE else x, axes)


def broadcast_to(w: Writer, call: Call, x: Operand) -> str:
    return w.expand(x, x.shape, call.shape)


def slice_(w: Writer, call: Call, x: Operand) -> str:
    """A stop of -1 with a negative step ends at the first element. Axes that stay whole are left out."""
    kept = []
    for axis, size in enumerate(x.shape):
        start, stop = call["start"][axis], call["stop"][axis]
        step = call["step"][axis] if call["step"] else 1
        if (start, stop, step) == (0, size, 1):
            continue
        if any(isinstance(number, Rows) for number in (size, start, stop)):
            raise call.refused("takes some rows of the batch; expected all of them; pick rows outside of the function")
        kept.append((start, BEFORE if stop < 0 else min(stop, END), axis, step))
    if not kept:
        return w.node("Identity", x)
    starts, stops, axes, steps = (ints(*column) for column in zip(*kept, strict=True))
    return w.node("Slice", x, starts, stops, axes, steps)


def slice_scatter(w: Writer, call: Call, x: Operand) -> str:
    """x in the middle of other numbers: padding, after zeros were put between its elements where it has steps."""
    before, after = [], []
    for axis, (size, whole) in enumerate(zip(x.shape, call.shape, strict=True)):
        start, step = call["start"][axis], call["step"][axis] if call["step"] else 1
        if isinstance(size, Rows) or isinstance(whole, Rows):
            if size != whole or start != 0 or step != 1:
                raise call.refused("adds rows to the batch; expected as many as there were; leave it out")
            start, behind = 0, 0
        elif step != 1 and size > 1:
            raise call.refused("writes every other element; expected steps of 1; use a transposed convolution")
        else:
            behind = whole - start - size
        before.append(start)
        after.append(behind)
    return w.node("Pad", x, ints(*before, *after), np.array(call["value"], x.dtype))


def concat(w: Writer, call: Call, *parts: Operand) -> str:
    return w.node("Concat", *parts, axis=call["axis"] % len(call.shape))


def index_of(w: Writer, index: Operand) -> Any:
    """Indices as ONNX takes them: int32 or int64."""
    return index if index.dtype in ("int32", "int64") else w.cast(index, "int64")


def take(w: Writer, call: Call, x: Operand, index: Operand) -> str:
    return w.node("Gather", x, index_of(w, index), axis=call["axis"] % x.ndim)


def take_along_axis(w: Writer, call: Call, x: Operand, index: Operand) -> str:
    """The other axes are broadcast; ONNX's GatherElements does not."""
    axis = call["axis"] % x.ndim
    others = [size for at, size in enumerate(call.shape) if at != axis]
    source = w.expand(x, x.shape, [*others[:axis], x.shape[axis], *others[axis:]])
    places = w.expand(index_of(w, index), index.shape, [*others[:axis], index.shape[axis], *others[axis:]])
    return w.node("GatherElements", source, places, axis=axis)


def put_along_axis(w: Writer, call: Call, index: Operand, updates: Operand) -> str:
    zeros = w.expand(np.zeros((1,) * len(call.shape), call.dtype), (1,) * len(call.shape), call.shape)
    places = w.expand(index_of(w, index), index.shape, updates.shape)
    return w.node("ScatterElements", zeros, places, updates, axis=call["axis"] % len(call.shape), reduction="add")


def searchsorted(w: Writer, call: Call, row: Operand, values: Operand) -> str:
    """How many elements of the row are below each value, or not above it."""
    beside = w.node("Unsqueeze", values, ints(-1))
    below = w.node("Less" if call["side"] == "left" else "LessOrEqual", row, beside)
    if np.dtype(values.dtype).kind == "f":  # NaN comes behind all
        behind = w.node("IsNaN", beside)
        if call["side"] == "left":
            behind = w.node("And", behind, w.node("Not", w.node("IsNaN", row)))
        below = w.node("Or", below, behind)
    return w.cast(w.node("ReduceSum", w.cast(below, "int64"), ints(-1), keepdims=0), call.dtype)


RULES: dict[str, Callable[..., Any]] = {
    "broadcast_to": broadcast_to,
    "concat": concat,
    "permute_dims": permute_dims,
    "put_along_axis": put_along_axis,
    "reshape": reshape,
    "searchsorted": searchsorted,
    "slice": slice_,
    "slice_scatter": slice_scatter,
    "take": take,
    "take_along_axis": take_along_axis,
}
