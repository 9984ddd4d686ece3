"""Ops that move elements and compute nothing, as loops of C."""

from __future__ import annotations

import math
from collections.abc import Sequence

from powertrain.builtin.exporters.c.writing import Array, Walk, broadcast, number, strides
from powertrain.plugin.backends import Call


def _copied(x: Array, out: Array, walk: Walk) -> list[str]:
    return walk.loops([f"{out.name}[{{0}}] = {x.name}[{{1}}];"])


def permute_dims(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    own = strides(inputs[0].shape)
    axes = call["axes"] if call["axes"] is not None else tuple(reversed(range(len(own))))
    return _copied(inputs[0], out, Walk(out.shape, (strides(out.shape), tuple(own[axis] for axis in axes)), (0, 0)))


def broadcast_to(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    return _copied(inputs[0], out, Walk(out.shape, (strides(out.shape), broadcast(inputs[0].shape, out.shape)), (0, 0)))


def slice_(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    own = strides(inputs[0].shape)
    steps = call["step"] or (1,) * len(own)
    begin = sum(start * step for start, step in zip(call["start"], own, strict=True)) if out.size else 0
    moved = tuple(step * size for step, size in zip(steps, own, strict=True))
    return _copied(inputs[0], out, Walk(out.shape, (strides(out.shape), moved), (0, begin)))


def slice_scatter(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    x, own = inputs[0], strides(out.shape)
    steps = call["step"] or (1,) * len(own)
    filled = number(call["value"], out.dtype)
    lines = [f"for (long i = 0; i < {out.size}; i++) {out.name}[i] = {filled};"]
    begin = sum(start * step for start, step in zip(call["start"], own, strict=True)) if x.size else 0
    moved = tuple(step * size for step, size in zip(steps, own, strict=True))
    return [*lines, *_copied(x, out, Walk(x.shape, (moved, strides(x.shape)), (begin, 0)))]


def concat(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    axis, own = call["axis"] % len(out.shape), strides(out.shape)
    lines, begin = [], 0
    for part in inputs:
        lines += _copied(part, out, Walk(part.shape, (own, strides(part.shape)), (begin * own[axis], 0)))
        begin += part.shape[axis]
    return lines


def take(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    """An index below 0 counts from the end; one that is out of range was made 0 before."""
    x, index = inputs
    axis = call["axis"] % len(x.shape)
    front, size, behind = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
    return [
        f"for (long i = 0; i < {front}; i++)",
        f"    for (long j = 0; j < {index.size}; j++) {{",
        f"        const long at = (long){index.name}[j] < 0 ? (long){index.name}[j] + {size} : (long){index.name}[j];",
        f"        for (long k = 0; k < {behind}; k++)",
        f"            {out.name}[(i * {index.size} + j) * {behind} + k] = {x.name}[(i * {size} + at) * {behind} + k];",
        "    }",
    ]


def take_along_axis(call: Call, inputs: Sequence[Array], out: Array) -> list[str]:
    """Indices as of take; the other axes are broadcast."""
    x, index = inputs
    axis = call["axis"] % len(x.shape)
    size, step = x.shape[axis], strides(x.shape)[axis]
    fixed = tuple(0 if at == axis else one for at, one in enumerate(broadcast(x.shape, out.shape)))
    steps = (strides(out.shape), broadcast(index.shape, out.shape), fixed)
    at = f"(long){index.name}[{{1}}]"
    line = f"{out.name}[{{0}}] = {x.name}[{{2}} + ({at} < 0 ? {at} + {size} : {at}) * {step}];"
    return Walk(out.shape, steps, (0, 0, 0)).loops([line])


RULES = {
    "broadcast_to": broadcast_to,
    "concat": concat,
    "permute_dims": permute_dims,
    "slice": slice_,
    "slice_scatter": slice_scatter,
    "take": take,
    "take_along_axis": take_along_axis,
}
