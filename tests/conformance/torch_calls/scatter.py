"""PyTorch's scatters, and what it puts to places of one axis."""

from __future__ import annotations

from typing import Any

import powertrain as pt
from conformance.adapter import call_of, offered
from powertrain.ops.functional import OPERATORS


def put(input: Any, dim: int, index: Any, src: Any, reduce: str, include_self: bool = True) -> Any:
    """PyTorch's index may be smaller than the input on other axes, and the updates larger than the index."""
    if input.ndim == 0:
        flat = put(pt.reshape(input, (1,)), 0, pt.reshape(index, (-1,)), pt.reshape(src, (-1,)), reduce, include_self)
        return pt.reshape(flat, ())
    axis = dim % input.ndim
    if index.ndim == 0:
        index = pt.reshape(index, (1,))
    if index.size == 0:
        return input
    updates = src if src.ndim == 0 else src[tuple(slice(0, n) for n in index.shape)]
    cut = tuple(slice(None) if at == axis else slice(0, n) for at, n in enumerate(index.shape))
    inner = pt.scatter_reduce(input[cut], index, updates, axis, reduce, include_self)
    if inner.shape == input.shape:
        return inner
    ones = (1,) * input.ndim
    laid = OPERATORS["slice_scatter"](inner, input.shape, (0,) * input.ndim, ones)
    inside = OPERATORS["slice_scatter"](pt.ones(inner.shape, "bool"), input.shape, (0,) * input.ndim, ones)
    return pt.where(inside, laid, input)


@call_of("scatter")
def scatter(input: Any, dim: int, index: Any, src: Any, *, reduce: str | None = None) -> Any:
    offered(reduce in (None, "add"), f"reduce = {reduce}")
    updates = src if isinstance(src, pt.Tensor) else pt.full((), src, input.dtype)
    return put(input, dim, index, updates, "replace" if reduce is None else "sum")


@call_of("scatter_add")
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    return put(input, dim, index, src, "sum")


@call_of("scatter_reduce")
def scatter_reduce(input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Any:
    offered(reduce != "prod", "reduce = prod")
    return put(input, dim, index, src, {"amax": "max", "amin": "min"}.get(reduce, reduce), include_self)


def _rows(input: Any, dim: int, index: Any, source: Any, reduce: str, include_self: bool = True) -> Any:
    if input.ndim == 0:
        flat = (pt.reshape(value, (-1,)) for value in (index, source))
        return pt.reshape(put(pt.reshape(input, (1,)), 0, *flat, reduce, include_self), ())
    axis = dim % input.ndim
    column = pt.reshape(index, tuple(-1 if at == axis else 1 for at in range(input.ndim)))
    return pt.scatter_reduce(input, column, source, axis, reduce, include_self)


@call_of("index_add")
def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    return _rows(input, dim, index, source if alpha == 1 else source * alpha, "sum")


@call_of("index_copy")
def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    return _rows(input, dim, index, source, "replace")


@call_of("index_fill")
def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    filled = value if isinstance(value, pt.Tensor) else pt.full((), value, input.dtype)
    return _rows(input, dim, index, filled, "replace")


@call_of("index_reduce")
def index_reduce(input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True) -> Any:
    offered(reduce != "prod", "reduce = prod")
    return _rows(input, dim, index, source, {"amax": "max", "amin": "min"}.get(reduce, reduce), include_self)
