"""What PyTorch does with shapes, positions and products."""

from __future__ import annotations

import itertools
from typing import Any

import powertrain as pt
import powertrain.nn.functional as F
from conformance.adapter import CALLS, call_of, offered


def _sizes(given: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], (tuple, list)) else given


@call_of("reshape", "view", "view_copy")
def reshape(input: Any, *shape: Any) -> Any:
    return pt.reshape(input, _sizes(shape))


@call_of("reshape_as", "view_as")
def reshape_as(input: Any, other: Any) -> Any:
    return pt.reshape(input, other.shape)


@call_of("flatten")
def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    return pt.flatten(input, start_dim, end_dim)


@call_of("ravel")
def ravel(input: Any) -> Any:
    return pt.flatten(input)


@call_of("transpose", "transpose_copy")
def transpose(input: Any, dim0: int, dim1: int) -> Any:
    return pt.swapaxes(input, dim0, dim1)


@call_of("permute", "permute_copy")
def permute(input: Any, dims: Any) -> Any:
    return pt.permute_dims(input, tuple(dims))


@call_of("t", "T", "t_copy")
def turned(input: Any) -> Any:
    return input.T


@call_of("mT")
def matrix_turned(input: Any) -> Any:
    return input.mT


@call_of("movedim")
def movedim(input: Any, source: Any, destination: Any) -> Any:
    return pt.moveaxis(input, source, destination)


@call_of("squeeze", "squeeze_copy")
def squeeze(input: Any, dim: Any = None) -> Any:
    if dim is None:
        return pt.squeeze(input)
    # PyTorch passes over axes of another size.
    axes = [dim] if isinstance(dim, int) else list(dim)
    chosen = tuple(axis for axis in axes if input.ndim and input.shape[axis] == 1)
    return pt.squeeze(input, chosen) if chosen else input


@call_of("unsqueeze", "unsqueeze_copy")
def unsqueeze(input: Any, dim: int) -> Any:
    return pt.expand_dims(input, dim)


@call_of("expand", "expand_copy")
def expand(input: Any, *shape: Any) -> Any:
    wanted = _sizes(shape)
    old = (1,) * (len(wanted) - input.ndim) + tuple(input.shape)
    return pt.broadcast_to(input, tuple(o if w == -1 else w for o, w in zip(old, wanted, strict=True)))


@call_of("expand_as")
def expand_as(input: Any, other: Any) -> Any:
    return pt.broadcast_to(input, other.shape)


@call_of("broadcast_to")
def broadcast_to(input: Any, shape: Any) -> Any:
    return pt.broadcast_to(input, tuple(shape))


@call_of("broadcast_tensors")
def broadcast_tensors(*tensors: Any) -> Any:
    return tuple(pt.broadcast_arrays(*tensors))


@call_of("meshgrid")
def meshgrid(*tensors: Any, indexing: str = "ij") -> Any:
    return tuple(pt.meshgrid(*_sizes(tensors), indexing=indexing))


@call_of("cat")
def cat(tensors: Any, dim: int = 0) -> Any:
    return pt.concat(list(tensors), dim)


@call_of("stack")
def stack(tensors: Any, dim: int = 0) -> Any:
    return pt.stack(list(tensors), dim)


@call_of("tensor_split")
def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> Any:
    offered(not isinstance(indices_or_sections, pt.Tensor), "indices as a tensor")
    whole = isinstance(indices_or_sections, int)
    if whole:
        offered(input.shape[dim] % indices_or_sections == 0, "sections of several sizes")
        return tuple(pt.split(input, indices_or_sections, dim))
    return tuple(_pieces(input, indices_or_sections, dim))


def _pieces(input: Any, places: Any, dim: int) -> list[Any]:
    edges = [0, *places, input.shape[dim]]
    keys = [slice(None)] * (dim % input.ndim)
    return [input[(*keys, slice(low, high))] for low, high in itertools.pairwise(edges)]


@call_of("unbind", "unbind_copy")
def unbind(input: Any, dim: int = 0) -> Any:
    return tuple(pt.unstack(input, dim))


@call_of("narrow", "narrow_copy")
def narrow(input: Any, dim: int, start: Any, length: int) -> Any:
    low = int(start.item()) if isinstance(start, pt.Tensor) else start
    low += input.shape[dim] if low < 0 else 0
    return input[(*[slice(None)] * (dim % input.ndim), slice(low, low + length))]


@call_of("select")
def select(input: Any, dim: int, index: int) -> Any:
    return input[(*[slice(None)] * (dim % input.ndim), index)]


@call_of("__getitem__")
def getitem(input: Any, key: Any) -> Any:
    # A list of keys is a tuple of them to PyTorch, unless it holds plain numbers.
    return input[tuple(key) if isinstance(key, list) and not all(isinstance(k, int) for k in key) else key]


@call_of("flip")
def flip(input: Any, dims: Any) -> Any:
    return pt.flip(input, dims if isinstance(dims, int) else tuple(dims)) if dims != () else input


@call_of("fliplr")
def fliplr(input: Any) -> Any:
    return pt.flip(input, 1)


@call_of("flipud")
def flipud(input: Any) -> Any:
    return pt.flip(input, 0)


@call_of("roll")
def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    whole = dims is None or dims == () or dims == []
    return pt.roll(input, shifts, None if whole else dims)


@call_of("tile", "repeat")
def tile(input: Any, *dims: Any) -> Any:
    return pt.tile(input, _sizes(dims))


@call_of("repeat_interleave")
def repeat_interleave(input: Any, repeats: Any, dim: Any = None, *, output_size: Any = None) -> Any:
    return pt.repeat(input, repeats, dim)


@call_of("diag")
def diag(input: Any, diagonal: int = 0) -> Any:
    return pt.diag(input, diagonal) if input.ndim == 1 else pt.diagonal(input, diagonal)


@call_of("diagonal", "diagonal_copy")
def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    return pt.diagonal(pt.moveaxis(input, (dim1, dim2), (-2, -1)), offset)


CALLS["linalg.diagonal"] = lambda A, *, offset=0, dim1=-2, dim2=-1: diagonal(A, offset, dim1, dim2)  # noqa: N803


@call_of("trace")
def trace(input: Any) -> Any:
    return pt.trace(input)


@call_of("tril")
def tril(input: Any, diagonal: int = 0) -> Any:
    return pt.tril(input, diagonal)


@call_of("triu")
def triu(input: Any, diagonal: int = 0) -> Any:
    return pt.triu(input, diagonal)


# ------------------------------------------------------------ by position


@call_of("gather")
def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    # PyTorch's index may be smaller than the input on other axes; the input is cut to it.
    if input.ndim == 0 or index.ndim == 0:
        return pt.reshape(pt.take(pt.reshape(input, (-1,)), pt.reshape(index, (-1,))), index.shape)
    axis = dim % input.ndim
    cut = tuple(slice(None) if at == axis else slice(0, size) for at, size in enumerate(index.shape))
    return pt.take_along_axis(input[cut], index, axis)


@call_of("take_along_dim")
def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    if dim is None:
        return pt.take(pt.reshape(input, (-1,)), pt.reshape(indices, (-1,)))
    return pt.take_along_axis(input, indices, dim)


@call_of("index_select")
def index_select(input: Any, dim: int, index: Any) -> Any:
    if input.ndim == 0:
        return pt.reshape(input, ())
    return pt.take(input, pt.reshape(index, (-1,)), dim)


@call_of("take")
def take(input: Any, index: Any) -> Any:
    return pt.take(pt.reshape(input, (-1,)), index)


@call_of("nn.functional.one_hot")
def one_hot(input: Any, num_classes: int = -1) -> Any:
    offered(num_classes > 0, "num_classes = -1")
    return F.one_hot(input, num_classes).astype("int64")


# ------------------------------------------------------------ copies and creation


@call_of("clone", "contiguous")
def clone(input: Any, *, memory_format: Any = None) -> Any:
    return pt.positive(input)


CASTS = {
    "bfloat16": "bfloat16", "bool": "bool", "byte": "uint8", "char": "int8", "double": "float64", "float": "float32",
    "half": "float16", "int": "int32", "long": "int64", "short": "int16",
}  # fmt: skip
CALLS.update({name: (lambda input, *, memory_format=None, _to=to: input.astype(_to)) for name, to in CASTS.items()})


@call_of("zeros_like")
def zeros_like(input: Any, *, dtype: Any = None, device: Any = None) -> Any:
    return pt.zeros_like(input, dtype)


@call_of("ones_like")
def ones_like(input: Any, *, dtype: Any = None, device: Any = None) -> Any:
    return pt.ones_like(input, dtype)


@call_of("full_like")
def full_like(input: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    return pt.full_like(input, fill_value, dtype)


# ------------------------------------------------------------ products


@call_of("matmul", "mm", "bmm", "mv")
def matmul(input: Any, other: Any) -> Any:
    return pt.matmul(input, other)


@call_of("dot", "vdot")
def dot(input: Any, other: Any) -> Any:
    return pt.vecdot(input, other)


@call_of("linalg.vecdot")
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    # The array API counts the axis from the end alone, since the other axes broadcast.
    return pt.vecdot(x, y, dim - max(x.ndim, y.ndim) if dim >= 0 else dim)


@call_of("outer")
def outer(input: Any, vec2: Any) -> Any:
    return pt.outer(input, vec2)


@call_of("einsum")
def einsum(operands: Any, equation: str) -> Any:
    # OpInfo's own order; torch.einsum itself takes the equation first.
    return pt.einsum(equation, *operands)


@call_of("tensordot")
def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    return pt.tensordot(a, b, dims)


@call_of("linalg.cross")
def cross(input: Any, other: Any, *, dim: int = -1) -> Any:
    return pt.cross(input, other, dim)


@call_of("cross")
def first_cross(input: Any, other: Any, dim: int | None = None) -> Any:
    # The older of the two takes the first axis of size 3.
    return pt.cross(input, other, input.shape.index(3) if dim is None else dim)


# ------------------------------------------------------------ blocks, ranks and what is left


@call_of("diag_embed")
def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    return pt.diag_embed(input, offset, dim1, dim2)


CALLS.update({name: getattr(pt, name) for name in ("block_diag", "cartesian_prod", "combinations", "i0")})


@call_of("kthvalue")
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    return pt.kthvalue(input, k, dim, keepdim)


@call_of("renorm")
def renorm(input: Any, p: float, dim: int, maxnorm: float) -> Any:
    return pt.renorm(input, p, dim, maxnorm)


@call_of("cumulative_trapezoid")
def cumulative_trapezoid(y: Any, x: Any = None, *, dx: float = 1.0, dim: int = -1) -> Any:
    return pt.cumulative_trapezoid(y, x, dx, dim)
