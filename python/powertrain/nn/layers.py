"""Layers of weights over the last axis, tables of rows, dropout and the flattening of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.autodiff.row_sparse import is_sparse, look_up
from powertrain.nn import checks, init
from powertrain.nn.module import Module, Parameter
from powertrain.ops.functional import OPERATORS

__all__ = ["Bilinear", "Embedding", "EmbeddingBag", "Flatten", "Linear", "Unflatten"]


class Linear(Module):
    """x @ weight + bias, with weight (in, out).

    Both are uniform in +-1/sqrt(in); with `std`, the weight is normal(0, std) and the bias zero.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        std: float | None = None,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        checks.fixed("Linear", device=device)
        checks.sizes("Linear", in_features=in_features, out_features=out_features)
        self.in_features, self.out_features = in_features, out_features
        if std is None:
            self.weight = Parameter(init.uniform_fan_in((in_features, out_features), in_features, generator))
            self.bias = Parameter(init.uniform_fan_in((out_features,), in_features, generator)) if bias else None
        else:
            checks.numbers("Linear", 0, std=std)
            self.weight = Parameter(init.normal((in_features, out_features), std, generator=generator))
            self.bias = Parameter(init.zeros((out_features,))) if bias else None
        self._cast(dtype)

    def torch_layout(self, name: str) -> tuple[int, ...] | None:
        return (1, 0) if name == "weight" else None

    def forward(self, input: Any) -> pt.Tensor:
        return F.linear(input, self.weight, self.bias)


class Bilinear(Module):
    """a W_k b + bias_k for each output k; weight (outputs, a's width, b's width), uniform in +-1/sqrt(a's width)."""

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        checks.fixed("Bilinear", device=device)
        checks.sizes("Bilinear", in1_features=in1_features, in2_features=in2_features, out_features=out_features)
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        shape = (out_features, in1_features, in2_features)
        self.weight = Parameter(init.uniform_fan_in(shape, in1_features, generator))
        self.bias = Parameter(init.uniform_fan_in((out_features,), in1_features, generator)) if bias else None
        self._cast(dtype)

    def forward(self, input1: Any, input2: Any) -> pt.Tensor:
        """Shapes    input1 [..., in1_features], input2 [..., in2_features] -> [..., out_features]"""
        return F.bilinear(input1, input2, self.weight, self.bias)


def _check_padding(where: str, padding_idx: int | None, count: int) -> int | None:
    """The row that stays zero, counted from the first."""
    if padding_idx is None:
        return None
    if not checks.whole(padding_idx, -count, count - 1):
        raise pt.ShapeError(f"[{where}] padding_idx = {padding_idx}; expected a row of {count}; 0 is usual")
    return int(padding_idx) % count


def _table(count: int, width: int, std: float, padding: int | None, generator: Any) -> pt.Tensor:
    table = init.normal((count, width), std, generator=generator)
    if padding is not None:
        table = pt.where(pt.equal(pt.reshape(pt.arange(count), (count, 1)), padding), 0.0, table)
    return table


class Embedding(Module):
    """Rows of a table by index; the table is normal(0, std). The row `padding_idx`, if any, is zero and stays so.

    With `sparse` the table's gradient has the rows that were looked up alone, and a compiled step of SGD, Adagrad or
    SparseAdam costs what these rows cost, however long the table is.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        *,
        device: Any = None,
        dtype: Any = None,
        std: float = 1.0,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        checks.fixed("Embedding", max_norm=max_norm, scale_grad_by_freq=scale_grad_by_freq, device=device)
        checks.sizes("Embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        checks.numbers("Embedding", 0, std=std)
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = _check_padding("Embedding", padding_idx, num_embeddings)
        self.weight = Parameter(_table(num_embeddings, embedding_dim, std, self.padding_idx, generator))
        self._cast(dtype)
        self.weight.sparse = sparse

    @classmethod
    def from_pretrained(
        cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None, *, sparse: bool = False
    ) -> Embedding:
        """A layer whose table holds these values; `freeze` keeps it as it is.

        Shapes    embeddings [num_embeddings, embedding_dim]
        """
        table = pt.tensor(embeddings)
        if table.ndim != 2:
            raise pt.ShapeError(
                f"[Embedding] embeddings is {list(table.shape)}; expected [num_embeddings, embedding_dim]; reshape it"
            )
        made = cls(0, table.shape[1], sparse=sparse)
        made.num_embeddings = table.shape[0]
        made.padding_idx = _check_padding("Embedding", padding_idx, table.shape[0])
        made.weight = Parameter(table)
        made.weight.sparse = sparse
        if freeze:
            made.freeze("weight")
        return made

    def forward(self, input: Any) -> pt.Tensor:
        rows = look_up(input, self.weight)
        if self.padding_idx is None:
            return rows
        return pt.where(pt.equal(pt.expand_dims(input, -1), self.padding_idx), pt.stop_gradient(rows), rows)


class EmbeddingBag(Module):
    """The mean, sum or maximum of rows of a table, bags of one length; the table is normal(0, 1).

    Places of a bag that hold `padding_idx` do not count, and a bag of them alone gives zeros. `sparse`: as of
    nn.Embedding.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: Literal["mean", "sum", "max"] = "mean",
        sparse: bool = False,
        *,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        where = "EmbeddingBag"
        checks.fixed(where, max_norm=max_norm, scale_grad_by_freq=scale_grad_by_freq)
        checks.fixed(where, include_last_offset=include_last_offset, device=device)
        checks.sizes(where, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        checks.choice(where, ("mean", "sum", "max"), mode=mode)
        self.num_embeddings, self.embedding_dim, self.mode = num_embeddings, embedding_dim, mode
        self.padding_idx = _check_padding(where, padding_idx, num_embeddings)
        self.weight = Parameter(_table(num_embeddings, embedding_dim, 1.0, self.padding_idx, generator))
        self._cast(dtype)
        self.weight.sparse = sparse

    def forward(self, input: Any, offsets: None = None, per_sample_weights: Any = None) -> pt.Tensor:
        """Shapes    input [b, n], per_sample_weights [b, n], with mode "sum" -> [b, embedding_dim]"""
        if offsets is not None:
            raise pt.ShapeError(
                "[EmbeddingBag] received offsets; expected bags of one length, input [bags, places]; pad the bags, and "
                "say padding_idx"
            )
        if self.padding_idx is not None:
            return self._without_padding(self.padding_idx, input, per_sample_weights)
        if not is_sparse(self.weight):
            return OPERATORS["embedding_bag"](input, self.weight, per_sample_weights, mode=self.mode)
        # A table of the rows of this call, each once for each time that it is asked for.
        places = pt.reshape(pt.arange(math.prod(input.shape)), input.shape)
        rows = pt.reshape(look_up(input, self.weight), (places.size, self.weight.shape[1]))
        return OPERATORS["embedding_bag"](places, rows, per_sample_weights, mode=self.mode)

    def _without_padding(self, padding_idx: int, index: Any, weights: Any) -> pt.Tensor:
        if weights is not None and self.mode != "sum":
            raise checks.SettingError(
                f"[EmbeddingBag] per_sample_weights with mode = {self.mode!r}; expected mode = 'sum'; leave them out"
            )
        kept = pt.expand_dims(pt.not_equal(index, padding_idx), -1)
        rows = look_up(index, self.weight)
        if self.mode == "max":
            most = pt.max(pt.where(kept, rows, -math.inf), axis=1)
            return pt.where(pt.any(kept, axis=1), most, 0.0)
        if weights is not None:
            rows = rows * pt.expand_dims(weights, -1)
        total = pt.sum(pt.where(kept, rows, 0.0), axis=1)
        if self.mode == "sum":
            return total
        return total / pt.maximum(pt.sum(pt.astype(kept, total.dtype), axis=1), 1.0)


class Flatten(Module):
    """The axes from `start_dim` to `end_dim` as one; by default each example as one row."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        checks.sizes("Flatten", -64, start_dim=start_dim, end_dim=end_dim)
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> pt.Tensor:
        shape = tuple(input.shape)
        if len(shape) == 0:
            raise pt.ShapeError("[Flatten] input is a scalar; expected examples along a first axis; reshape it to (1,)")
        first, last = (dim + len(shape) if dim < 0 else dim for dim in (self.start_dim, self.end_dim))
        if len(shape) == 1 and first == 1 and last == 0:
            return pt.reshape(input, (shape[0], 1))  # each example, of one number, as a row
        if not 0 <= first <= last < len(shape):
            raise pt.ShapeError(
                f"[Flatten] input is {list(shape)}, axes {self.start_dim} to {self.end_dim}; expected axes of it in "
                "order; change start_dim or end_dim"
            )
        return pt.reshape(input, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


class Unflatten(Module):
    """One axis as several."""

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        checks.sizes("Unflatten", -64, dim=dim)
        for size in unflattened_size:
            checks.sizes("Unflatten", -1, **{"one of unflattened_size": size})
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, input: Any) -> pt.Tensor:
        axis = range(input.ndim)[self.dim]
        return pt.reshape(input, (*input.shape[:axis], *self.unflattened_size, *input.shape[axis + 1 :]))
