"""Gradients of which only some rows are there: what a table of embeddings gets from the lookups of one step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from powertrain import _core
from powertrain._core import Slot, Tensor
from powertrain.ops.functional import OPERATORS

_LOOK_UP: Callable[[Any, Slot], Tensor] = _core.look_up


def is_sparse(slot: object) -> bool:
    """Whether gradients are row-sparse: those of a parameter whose `sparse` is true."""
    # Not by getattr: what a slot does not have is looked for among all names, to say which one was meant.
    return bool(getattr(slot, "__dict__", {}).get("sparse", False))


def look_up(index: Any, table: Any) -> Tensor:
    """`embedding`, with a row-sparse gradient where the table is a slot of which that is wanted.

    Shapes    index [i...], table [n, d] -> [i..., d]
    """
    if isinstance(table, Slot) and is_sparse(table):
        return _LOOK_UP(index, table)
    return OPERATORS["embedding"](index, table)


@dataclass(frozen=True)
class RowSparse:
    """The gradient of a table [n, d]: rows [k, d] that belong to the places index [k], and zeros elsewhere.

    A place may be there several times; its rows then add up, in their order.

    Example
        >>> import powertrain as pt
        >>> table = pt.nn.Embedding(4, 2, sparse=True)
        >>> _, grads = pt.nn.value_and_grad(table, lambda index: table(index).sum())(pt.tensor([3, 1, 3]))
        >>> gradient = grads["weight"]
        >>> gradient.index.numpy().tolist(), gradient.dense().numpy().tolist()
        ([3, 1, 3], [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0], [2.0, 2.0]])
    """

    index: Tensor
    rows: Tensor
    shape: tuple[int, ...]

    @classmethod
    def of_lookups(cls, table: Slot, lookups: Sequence[tuple[Tensor, Tensor]]) -> RowSparse:
        """Of one table, from pairs of an index [i...] and the gradient [i..., d] of what was looked up there."""
        n, width = table.shape
        indices = [OPERATORS["reshape"](_wide(index), (-1,)) for index, _ in lookups]
        rows = [OPERATORS["reshape"](rows, (-1, width)) for _, rows in lookups]
        if not lookups:
            indices, rows = [_core.full((0,), 0, "int64")], [_core.full((0, width), 0.0, table.dtype)]
        index, found = (_joined(parts) for parts in (indices, rows))
        from_end = OPERATORS["less"](index, 0)
        return cls(OPERATORS["where"](from_end, index + n, index), found, (n, width))

    def dense(self) -> Tensor:
        """The gradient as a tensor [n, d]."""
        return OPERATORS["scatter_add"](self.index, self.rows, size=self.shape[0])

    def summed(self) -> tuple[Tensor, Tensor]:
        """(sums [k, d], place [k]): sums has one row for each index that occurs, which row `place` says for each of
        `index`, and the others are zero."""
        place = OPERATORS["searchsorted"](OPERATORS["sort"](self.index), self.index)
        return OPERATORS["scatter_add"](place, self.rows, size=self.index.shape[0]), place


def _wide(index: Any) -> Tensor:
    return OPERATORS["astype"](index, "int64")


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else OPERATORS["concat"](parts)


def parted(variables: Sequence[Tensor | Slot]) -> tuple[list[Tensor | Slot], list[Slot]]:
    """Those with gradients of their own shape, and the tables of which they are row-sparse."""
    dense = [variable for variable in variables if not is_sparse(variable)]
    tables = [variable for variable in variables if isinstance(variable, Slot) and is_sparse(variable)]
    return dense, tables


def in_order(
    variables: Sequence[Tensor | Slot], dense: Sequence[Tensor], lookups: Sequence[tuple[int, Tensor, Tensor]]
) -> list[Any]:
    """The gradients of variables, from those of both kinds: of tables (number of the table, index, rows)."""
    if len(dense) == len(variables):
        return list(dense)
    sparse = iter(
        RowSparse.of_lookups(table, [(index, rows) for of, index, rows in lookups if of == number])
        for number, table in enumerate(parted(variables)[1])
    )
    whole = iter(dense)
    return [next(sparse if is_sparse(variable) else whole) for variable in variables]
