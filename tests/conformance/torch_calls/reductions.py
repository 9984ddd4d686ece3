"""Reductions, running values, orders and searches of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import powertrain as pt
from conformance.adapter import CALLS, call_of, offered
from powertrain.ops.functional import OPERATORS


def reduction(op: str) -> Callable[..., Any]:
    def reduce(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        wide = input if dtype is None else input.astype(dtype)
        # PyTorch's empty list of axes means all.
        return OPERATORS[op](wide, _axes(dim), keepdim)

    return reduce


def _axes(dim: Any) -> Any:
    return None if dim is None or (isinstance(dim, (list, tuple)) and not dim) else dim


CALLS.update({name: reduction(name) for name in ("sum", "prod", "mean", "argmax", "argmin", "logsumexp")})
CALLS.update({"amax": reduction("max"), "amin": reduction("min")})


for _name in ("all", "any"):
    CALLS[_name] = lambda input, dim=None, keepdim=False, _op=_name: OPERATORS[_op](input, _axes(dim), keepdim)


@call_of("count_nonzero")
def count_nonzero(input: Any, dim: Any = None) -> Any:
    return pt.count_nonzero(input, _axes(dim))


def extreme(reduced: str, position: str, pairwise: str) -> Callable[..., Any]:
    def find(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        if isinstance(dim, pt.Tensor):
            return OPERATORS[pairwise](input, dim)
        if dim is None:
            return OPERATORS[reduced](input)
        index = OPERATORS[position](input, dim, keepdims=True)
        value = pt.take_along_axis(input, index, dim) if input.ndim else input
        return (value, index) if keepdim or not input.ndim else (pt.squeeze(value, dim), pt.squeeze(index, dim))

    return find


CALLS.update({"max": extreme("max", "argmax", "maximum"), "min": extreme("min", "argmin", "minimum")})


@call_of("aminmax")
def aminmax(input: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    return pt.min(input, dim, keepdim), pt.max(input, dim, keepdim)


def _spread(op: str) -> Callable[..., Any]:
    def spread(
        input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
    ) -> Any:
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        taken = (1 if correction is None else correction) if unbiased is None else int(unbiased)
        return OPERATORS[op](input, _axes(dim), keepdim, taken)

    return spread


CALLS.update({name: _spread(name) for name in ("std", "var")})
for _name in ("std", "var"):
    CALLS[f"{_name}_mean"] = lambda input, dim=None, unbiased=None, keepdim=False, *, correction=None, _op=_name: (
        CALLS[_op](input, dim, unbiased, keepdim, correction=correction),
        pt.mean(input, None if isinstance(dim, bool) else _axes(dim), keepdim),
    )


@call_of("median")
def median(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    offered(dim is None, "dim with positions")
    return pt.median(input)


@call_of("quantile")
def quantile(input: Any, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear") -> Any:
    offered(not isinstance(q, pt.Tensor), "q as a tensor")
    offered(interpolation == "linear", "interpolation")
    return pt.quantile(input, q, dim, keepdim)


@call_of("linalg.vector_norm")
def vector_norm(input: Any, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    wide = input if dtype is None else input.astype(dtype)
    return pt.linalg.vector_norm(wide, axis=_axes(dim), keepdims=keepdim, ord=float(ord))


@call_of("cumsum")
def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Any:
    return pt.cumulative_sum(input if dtype is None else input.astype(dtype), dim)


@call_of("cumprod")
def cumprod(input: Any, dim: int, *, dtype: Any = None) -> Any:
    return pt.cumulative_prod(input if dtype is None else input.astype(dtype), dim)


@call_of("logcumsumexp")
def logcumsumexp(input: Any, dim: int) -> Any:
    return pt.logcumsumexp(input, dim)


@call_of("cummax")
def cummax(input: Any, dim: int) -> Any:
    return pt.cummax(input, dim)


@call_of("cummin")
def cummin(input: Any, dim: int) -> Any:
    return pt.cummin(input, dim)


@call_of("diff")
def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    # No difference at all is the input, without what is put around it: NumPy has the same.
    parts = [part for part in (prepend, input, append) if part is not None] if n else [input]
    return pt.diff(input if len(parts) == 1 else pt.concat(parts, dim), n, dim)


# ------------------------------------------------------------ orders and searches


@call_of("sort")
def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    return pt.sort(input, dim, descending), pt.argsort(input, dim, descending)


@call_of("msort")
def msort(input: Any) -> Any:
    return pt.sort(input, 0)


@call_of("argsort")
def argsort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    return pt.argsort(input, dim, descending)


@call_of("topk")
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    return pt.topk(input, k, dim, largest)


@call_of("searchsorted")
def searchsorted(
    sorted_sequence: Any, input: Any, *, out_int32: bool = False, right: bool = False, side: Any = None,
    sorter: Any = None,
) -> Any:  # fmt: skip
    offered(sorted_sequence.ndim == 1, "sorted_sequence of several axes")
    if sorter is not None:
        sorted_sequence = pt.take(sorted_sequence, sorter)
    found = pt.searchsorted(sorted_sequence, input, side or ("right" if right else "left"))
    return found.astype("int32") if out_int32 else found


@call_of("bucketize")
def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Any:
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


@call_of("unique")
def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: Any = None
) -> Any:
    offered(dim is None, "dim")
    values, _, inverse, counts = pt.unique_all(input)
    if not return_inverse and not return_counts:
        return values
    return values, *([inverse] if return_inverse else []), *([counts] if return_counts else [])


@call_of("nonzero")
def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    found = pt.nonzero(input)
    return tuple(found) if as_tuple else pt.stack(list(found), -1)


@call_of("argwhere")
def argwhere(input: Any) -> Any:
    return pt.stack(list(pt.nonzero(input)), -1)
