"""Ops that read and write by index. The engine looks at indices itself, so nothing here is about one out of range."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from powertrain_xla.elementwise import widened


def wrapped(index: Any, size: int) -> Any:
    """Indices below 0 count from the end; what is out of range is kept away from memory."""
    return jnp.clip(jnp.where(index < 0, index + size, index), 0, max(size - 1, 0))


def take(call: Any, x: Any, index: Any) -> Any:
    axis = call["axis"]
    if not math.prod(call.shape):  # of which jnp.take makes another shape
        return jnp.zeros(call.shape, x.dtype)
    return jnp.take(x, wrapped(index, x.shape[axis]), axis=axis, mode="clip")


def take_along_axis(call: Any, x: Any, index: Any) -> Any:
    axis = call["axis"] % x.ndim
    others = jnp.broadcast_shapes(
        *([1 if at == axis else size for at, size in enumerate(array.shape)] for array in (x, index))
    )
    source = jnp.broadcast_to(x, [x.shape[axis] if at == axis else size for at, size in enumerate(others)])
    places = jnp.broadcast_to(index, [index.shape[axis] if at == axis else size for at, size in enumerate(others)])
    return jnp.take_along_axis(source, wrapped(places, x.shape[axis]), axis=axis, mode="clip")


def _along(index: Any, axis: int, size: int) -> tuple[Any, ...]:
    """Every place of index as coordinates of the result."""
    axis %= index.ndim
    grid = list(jnp.indices(index.shape, sparse=True))
    grid[axis] = wrapped(index, size)
    return tuple(grid)


def put_along_axis(call: Any, index: Any, updates: Any) -> Any:
    wide = widened(updates)
    zeros = jnp.zeros(call.shape, wide.dtype)
    return zeros.at[_along(index, call["axis"], call["size"])].add(wide).astype(call.dtype)


def put_along_axis_max(call: Any, index: Any, updates: Any) -> Any:
    if jnp.issubdtype(updates.dtype, jnp.bool_):
        least: Any = False
    elif jnp.issubdtype(updates.dtype, jnp.integer):
        least = jnp.iinfo(updates.dtype).min
    else:
        least = -jnp.inf
    start = jnp.full(call.shape, least, updates.dtype)
    return start.at[_along(index, call["axis"], call["size"])].max(updates)


def scatter_add(call: Any, index: Any, updates: Any) -> Any:
    ndim = len(call.shape)
    axis = call["axis"] % ndim
    wide = widened(updates)
    # The axes of index in front, all in one.
    front = tuple(range(axis, axis + index.ndim))
    rows = jnp.moveaxis(wide, front, tuple(range(index.ndim)))
    rest = rows.shape[index.ndim :]
    zeros = jnp.zeros((call["size"], *rest), wide.dtype)
    places = jnp.reshape(wrapped(index, call["size"]), (-1,))
    made = zeros.at[places].add(jnp.reshape(rows, (places.size, *rest)))
    return jnp.moveaxis(made, 0, axis).astype(call.dtype)


def put_rows(call: Any, x: Any, index: Any, rows: Any) -> Any:
    """Of several rows for one place the last stays: those before it are sent beyond the end, which drops them."""
    size = x.shape[0]
    places = jnp.reshape(wrapped(index, size), (-1,))
    count = places.size
    if not count:
        return x
    order = jnp.arange(count)
    last = jnp.zeros((size,), order.dtype).at[places].max(order)
    kept = jnp.where(last[places] == order, places, size)
    return x.at[kept].set(jnp.reshape(rows, (count, *x.shape[1:])), mode="drop")


RULES: dict[str, Callable[..., Any]] = {
    "put_along_axis": put_along_axis,
    "put_along_axis_max": put_along_axis_max,
    "put_rows": put_rows,
    "scatter_add": scatter_add,
    "take": take,
    "take_along_axis": take_along_axis,
}
