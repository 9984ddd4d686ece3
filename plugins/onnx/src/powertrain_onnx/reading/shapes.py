"""Operators that move elements, tell shapes, or read and write by index."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.plugin import op
from powertrain_onnx.reading.registry import bounded, ints, offered, operator, whole


@operator("Shape")
def shape(x: Any, *, start: int = 0, end: int | None = None) -> Any:
    return pt.tensor(np.array(x.shape[slice(start, end)], dtype=np.int64))


@operator("Size")
def size(x: Any) -> Any:
    return pt.tensor(np.array(x.size, dtype=np.int64))


@operator("ConstantOfShape", settings=(0,))
def constant_of_shape(shape: Any, *, value: Any = None) -> Any:
    filled = np.zeros(1, np.float32) if value is None else np.asarray(value)
    offered(hasattr(pt.DType, filled.dtype.name), f"dtype {filled.dtype}")
    return pt.broadcast_to(pt.tensor(filled.reshape(())), bounded(ints(shape)))


@operator("Range", settings=(0, 1, 2))
def range_(start: Any, limit: Any, delta: Any) -> Any:
    numbers = [one.item() for one in (start, limit, delta)]
    offered(numbers[2] != 0, "a step of 0")
    count = max(0, int(np.ceil((numbers[1] - numbers[0]) / numbers[2])))
    bounded((count,))
    return pt.tensor(np.arange(count) * numbers[2] + numbers[0]).astype(start.dtype)


@operator("Concat")
def concat(*tensors: Any, axis: int) -> Any:
    return pt.concat(list(tensors), axis)


@operator("Split", settings=(1,))
def split(x: Any, split: Any = None, *, axis: int = 0, num_outputs: int = 0, outputs: int = 0) -> Any:
    """`outputs` is how many the node names, which the file says by their names alone."""
    length, count = x.shape[axis], num_outputs or outputs
    each = -(-length // count)
    sizes = ints(split) if split is not None else tuple(max(0, min(each, length - each * at)) for at in range(count))
    offered(min(sizes, default=0) >= 0 and sum(sizes) == length, f"split = {list(sizes)} of {length}")
    ends = np.cumsum((0, *sizes)).tolist()
    key: list[Any] = [slice(None)] * x.ndim
    made = []
    for low, high in itertools.pairwise(ends):
        key[axis] = slice(low, high)
        made.append(x[tuple(key)])
    return tuple(made)


@operator("Expand", settings=(1,))
def expand(x: Any, shape: Any) -> Any:
    return pt.broadcast_to(x, bounded(pt.broadcast_shapes(x.shape, ints(shape))))


@operator("Flatten")
def flatten(x: Any, *, axis: int = 1) -> Any:
    first = axis if axis >= 0 else axis + x.ndim
    rows = int(np.prod(x.shape[:first], dtype=int))
    return pt.reshape(x, (rows, int(np.prod(x.shape[first:], dtype=int))))


@operator("Reshape", settings=(1,))
def reshape(x: Any, shape: Any, *, allowzero: int = 0) -> Any:
    wanted = ints(shape)
    return pt.reshape(x, wanted if allowzero else tuple(x.shape[at] if n == 0 else n for at, n in enumerate(wanted)))


@operator("Squeeze", settings=(1,))
def squeeze(x: Any, axes: Any = None) -> Any:
    return pt.squeeze(x, None if axes is None else ints(axes))


@operator("Unsqueeze", settings=(1,))
def unsqueeze(x: Any, axes: Any) -> Any:
    return pt.expand_dims(x, ints(axes))


@operator("Transpose")
def transpose(x: Any, *, perm: Any = None) -> Any:
    return pt.permute_dims(x, None if perm is None else tuple(perm))


@operator("Tile", settings=(1,))
def tile(x: Any, repeats: Any) -> Any:
    times = ints(repeats)
    bounded([n * abs(m) for n, m in zip(x.shape, times, strict=True)])
    return pt.tile(x, times)


@operator("Trilu", settings=(1,))
def trilu(x: Any, k: Any = None, *, upper: int = 1) -> Any:
    return (pt.triu if upper else pt.tril)(x, 0 if k is None else whole(k))


@operator("EyeLike")
def eye_like(x: Any, *, dtype: int = 0, k: int = 0) -> Any:
    from powertrain_onnx.reading.elementwise import dtype_of

    rows, columns = x.shape
    return pt.tensor(np.eye(rows, columns, k).astype(dtype_of(dtype) if dtype else x.dtype.name))


@operator("Slice", settings=(1, 2, 3, 4))
def slice_(x: Any, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> Any:
    which = range(len(ints(starts))) if axes is None else ints(axes)
    strides = [1] * len(ints(starts)) if steps is None else ints(steps)
    keys = [slice(None)] * x.ndim
    for axis, low, high, step in zip(which, ints(starts), ints(ends), strides, strict=True):
        # Far below zero means up to the first for a negative step.
        keys[axis] = slice(low, None if step < 0 and high < -x.shape[axis] else high, step)
    return x[tuple(keys)]


@operator("Pad", settings=(1, 2, 3), mode=("constant", "edge", "reflect", "wrap"))
def pad(x: Any, pads: Any, value: Any = None, axes: Any = None, *, mode: str = "constant") -> Any:
    which = [axis % x.ndim for axis in (range(x.ndim) if axes is None else ints(axes))]
    numbers = ints(pads)
    offered(min(numbers, default=0) >= 0, "pads below 0")
    before, after = [0] * x.ndim, [0] * x.ndim
    for place, axis in enumerate(which):
        before[axis], after[axis] = numbers[place], numbers[len(which) + place]
    bounded([n + low + high for n, low, high in zip(x.shape, before, after, strict=True)])
    ours = {"edge": "replicate", "wrap": "circular"}.get(mode, mode)
    filled = 0.0 if value is None else value.item()
    return op("pad")(x, tuple(before), tuple(after), filled, ours)


@operator("Gather")
def gather(x: Any, index: Any, *, axis: int = 0) -> Any:
    at = axis % x.ndim
    bounded((*x.shape[:at], *index.shape, *x.shape[at + 1 :]))
    return pt.take(x, index, axis)


@operator("GatherElements")
def gather_elements(x: Any, index: Any, *, axis: int = 0) -> Any:
    cut = tuple(slice(None) if at == axis % x.ndim else slice(0, n) for at, n in enumerate(index.shape))
    return pt.take_along_axis(x[cut], index, axis)


@operator("GatherND", batch_dims=(0,))
def gather_nd(x: Any, index: Any, *, batch_dims: int = 0) -> Any:
    depth = index.shape[-1]
    bounded((*index.shape[:-1], *x.shape[depth:]))
    rows = pt.reshape(x, (int(np.prod(x.shape[:depth], dtype=int)), *x.shape[depth:]))
    return pt.take(rows, _flat(index, x.shape[:depth]), 0)


def _flat(index: Any, shape: Any) -> Any:
    """Coordinates [..., depth] as places among all rows. One that is beyond its axis leads beyond all rows, where it is
    refused, and not to a row of others."""
    place: Any = 0
    outside: Any = False
    for axis, length in enumerate(shape):
        one = index[..., axis]
        place = place * length + pt.where(one < 0, one + length, one)
        outside = outside | (one < -length) | (one >= length)
    return pt.where(outside, int(np.prod(shape, dtype=int)), place)


@operator("ScatterElements", reduction=("none", "add", "max", "min"))
def scatter_elements(x: Any, index: Any, updates: Any, *, axis: int = 0, reduction: str = "none") -> Any:
    """The indices may be fewer than the elements of x on other axes."""
    ours = {"none": "replace", "add": "sum"}.get(reduction, reduction)
    at = axis % x.ndim
    if index.size == 0:
        return x
    cut = tuple(slice(None) if one == at else slice(0, n) for one, n in enumerate(index.shape))
    inner = pt.scatter_reduce(x[cut], index, updates, at, ours, True)
    if inner.shape == x.shape:
        return inner
    none, ones = (0,) * x.ndim, (1,) * x.ndim
    inside = op("slice_scatter")(pt.ones(inner.shape, "bool"), x.shape, none, ones)
    return pt.where(inside, op("slice_scatter")(inner, x.shape, none, ones), x)


@operator("ScatterND", reduction=("none", "add", "max", "min"))
def scatter_nd(x: Any, index: Any, updates: Any, *, reduction: str = "none") -> Any:
    ours = {"none": "replace", "add": "sum"}.get(reduction, reduction)
    depth = index.shape[-1]
    lead, rest = x.shape[:depth], x.shape[depth:]
    count, width = int(np.prod(lead, dtype=int)), int(np.prod(rest, dtype=int))
    rows, places = pt.reshape(x, (count, width)), pt.reshape(_flat(index, lead), (-1, 1))
    given = pt.reshape(updates, (places.shape[0], width))
    made = pt.scatter_reduce(rows, pt.broadcast_to(places, given.shape), given, 0, ours, True)
    return pt.reshape(made, x.shape)


@operator("OneHot", settings=(1,))
def one_hot(index: Any, depth: Any, values: Any, *, axis: int = -1) -> Any:
    count = whole(depth)
    place = axis % (index.ndim + 1)
    bounded((*index.shape, count))
    index = index.astype("int64")
    index = pt.expand_dims(pt.where(index < 0, index + count, index), place)
    shape = [1] * index.ndim
    shape[place] = count
    return pt.where(index == pt.reshape(pt.arange(count), tuple(shape)), values[1], values[0])


@operator("DepthToSpace", mode=("CRD", "DCR"))
def depth_to_space(x: Any, *, blocksize: int, mode: str = "DCR") -> Any:
    n, c, h, w = x.shape
    parts = (n, blocksize, blocksize, -1, h, w) if mode == "DCR" else (n, -1, blocksize, blocksize, h, w)
    order = (0, 3, 4, 1, 5, 2) if mode == "DCR" else (0, 1, 4, 2, 5, 3)
    made = pt.permute_dims(pt.reshape(x, parts), order)
    return pt.reshape(made, (n, c // blocksize**2, h * blocksize, w * blocksize))


@operator("SpaceToDepth")
def space_to_depth(x: Any, *, blocksize: int) -> Any:
    n, c, h, w = x.shape
    parts = pt.reshape(x, (n, c, h // blocksize, blocksize, w // blocksize, blocksize))
    return pt.reshape(pt.permute_dims(parts, (0, 3, 5, 1, 2, 4)), (n, c * blocksize**2, h // blocksize, w // blocksize))
