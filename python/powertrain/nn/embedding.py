"""Tables of rows, looked up one by one or in bags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import checks, init
from powertrain.nn.functional.embedding import Mode
from powertrain.nn.init.later import parameter
from powertrain.nn.module import Module, Parameter

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.typing import Device, DTypeLike, TensorLike

__all__ = ["Embedding", "EmbeddingBag"]


def _check_padding(where: str, padding_idx: int | None, count: int) -> int | None:
    """The row that stays zero, counted from the first."""
    if padding_idx is None:
        return None
    if not checks.whole(padding_idx, -count, count - 1):
        raise pt.ShapeError(f"[{where}] padding_idx = {padding_idx}; expected a row of {count}; 0 is usual")
    return int(padding_idx) % count


def _table(shape: tuple[int, int], std: float, padding: int | None, generator: Any) -> pt.Tensor:
    table = init.normal(shape, std, generator=generator)
    if padding is not None:
        table = pt.where(pt.equal(pt.reshape(pt.arange(shape[0]), (shape[0], 1)), padding), 0.0, table)
    return table


def _matrix(where: str, embeddings: Any) -> pt.Tensor:
    table = pt.tensor(embeddings)
    if table.ndim != 2:
        raise pt.ShapeError(
            f"[{where}] embeddings is {list(table.shape)}; expected [num_embeddings, embedding_dim]; reshape it"
        )
    return table


class Embedding(Module):
    """Rows of a table by index; the table is normal(0, std). The row `padding_idx`, if any, is zero and stays so.

    With `scale_grad_by_freq` the gradient of a row is divided by how often the call has it. With `sparse` the table's
    gradient has the rows that were looked up alone, and a compiled step of SGD, Adagrad or SparseAdam costs what these
    rows cost, however long the table is.

    Example
        >>> pt.nn.Embedding(10, 4)(pt.tensor([[1, 2], [3, 4]])).shape
        (2, 2, 4)
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
        device: Device = None,
        dtype: DTypeLike | None = None,
        std: float = 1.0,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        checks.fixed("Embedding", max_norm=max_norm)
        checks.sizes("Embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        checks.numbers("Embedding", 0, std=std)
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = _check_padding("Embedding", padding_idx, num_embeddings)
        self.scale_grad_by_freq = scale_grad_by_freq
        shape = (num_embeddings, embedding_dim)
        self.weight = parameter(_table, shape, std, self.padding_idx, generator=generator)
        self._settle(device, dtype)
        self.weight.sparse = sparse

    @classmethod
    def from_pretrained(
        cls,
        embeddings: TensorLike,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """A layer whose table holds these values; `freeze` keeps it as it is.

        Shapes    embeddings [num_embeddings, embedding_dim]
        """
        table = _matrix("Embedding", embeddings)
        made = cls(0, table.shape[1], None, max_norm, norm_type, scale_grad_by_freq)
        made.num_embeddings = table.shape[0]
        made.padding_idx = _check_padding("Embedding", padding_idx, table.shape[0])
        _hold(made, table, sparse, freeze)
        return made

    def forward(self, input: Tensor) -> pt.Tensor:
        return F.embedding(input, self.weight, self.padding_idx, scale_grad_by_freq=self.scale_grad_by_freq)


def _hold(layer: Any, table: pt.Tensor, sparse: bool, freeze: bool) -> None:
    layer.weight = Parameter(table)
    layer.weight.sparse = sparse
    if freeze:
        layer.freeze("weight")


class EmbeddingBag(Module):
    """The mean, sum or maximum of rows of a table over bags; the table is normal(0, 1).

    Bags are the rows of the input, or begin at `offsets` of a vector; with `include_last_offset` the last of these is
    where the last bag ends. Places of a bag that hold `padding_idx` do not count, and a bag of nothing gives zeros.
    `scale_grad_by_freq` and `sparse`: as of nn.Embedding.

    Example
        >>> pt.nn.EmbeddingBag(10, 4)(pt.tensor([[1, 2], [3, 4]])).shape
        (2, 4)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: Mode = "mean",
        sparse: bool = False,
        *,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Device = None,
        dtype: DTypeLike | None = None,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        where = "EmbeddingBag"
        checks.fixed(where, max_norm=max_norm)
        checks.sizes(where, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        checks.choice(where, ("mean", "sum", "max"), mode=mode)
        self.num_embeddings, self.embedding_dim, self.mode = num_embeddings, embedding_dim, mode
        self.scale_grad_by_freq, self.include_last_offset = scale_grad_by_freq, include_last_offset
        self.padding_idx = _check_padding(where, padding_idx, num_embeddings)
        shape = (num_embeddings, embedding_dim)
        self.weight = parameter(_table, shape, 1.0, self.padding_idx, generator=generator)
        self._settle(device, dtype)
        self.weight.sparse = sparse

    @classmethod
    def from_pretrained(
        cls,
        embeddings: TensorLike,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: Mode = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """A layer whose table holds these values; `freeze` keeps it as it is.

        Shapes    embeddings [num_embeddings, embedding_dim]
        """
        table = _matrix("EmbeddingBag", embeddings)
        rest = (max_norm, norm_type, scale_grad_by_freq, mode)
        made = cls(0, table.shape[1], *rest, include_last_offset=include_last_offset)
        made.num_embeddings = table.shape[0]
        made.padding_idx = _check_padding("EmbeddingBag", padding_idx, table.shape[0])
        _hold(made, table, sparse, freeze)
        return made

    def forward(
        self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None
    ) -> pt.Tensor:
        """Shapes    input [b, n], or [places] with offsets [b], or [b + 1] with include_last_offset;
        per_sample_weights of the shape of input, with mode "sum" -> [b, embedding_dim]
        """
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            scale_grad_by_freq=self.scale_grad_by_freq,
            mode=self.mode,
            per_sample_weights=per_sample_weights,
            include_last_offset=self.include_last_offset,
            padding_idx=self.padding_idx,
        )
