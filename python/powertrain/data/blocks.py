"""Rows that are read in blocks, such as the row groups of a Parquet file, and how they are shuffled.

A batch of rows out of many blocks would read them all. So the blocks are shuffled, and then the rows of a few of them
at a time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from powertrain.data.dataset import Subset
from powertrain.data.order import BLOCKS, Cursor, Draw
from powertrain.data.order_pieces import PiecedOrder, Rows


class Blocks(NamedTuple):
    """The blocks of a data set.

    edges       where each block begins, and the number of rows
    together    blocks whose rows are shuffled together
    rows        the row at each place, where the rows of a block are not neighbours
    """

    edges: Rows
    together: int
    rows: Rows | None = None

    @property
    def all_together(self) -> bool:
        """Whether every order of the rows may come out."""
        return len(self.edges) - 1 <= self.together


def blocks_of(dataset: Any) -> Blocks | None:
    """The blocks in which the rows of a data set are read: those of the one that it is made of, and None of memory."""
    own = getattr(dataset, "blocks", None)
    if isinstance(own, Blocks):
        return own
    if isinstance(dataset, Subset):
        inner = blocks_of(dataset.dataset)
        return None if inner is None else _of_some(inner, dataset.indices)
    under: Any = getattr(dataset, "source", None) or getattr(dataset, "dataset", None)
    return blocks_of(under) if hasattr(under, "__len__") and len(under) == len(dataset) else None


def _of_some(blocks: Blocks, indices: Rows) -> Blocks:
    """The blocks of some rows; those without any are left out."""
    rows = np.argsort(indices, kind="stable")
    edges = np.unique(np.searchsorted(indices[rows], blocks.edges))
    return Blocks(edges, blocks.together, rows)


class BlockOrder(PiecedOrder):
    """Rows in a random order: of the blocks, and within each few of them."""

    def __init__(self, blocks: Blocks, seed: int, epoch: int) -> None:
        super().__init__()
        self._blocks, self._seed, self._epoch = blocks, seed, epoch
        self._order = self._draw(0).permutation(len(blocks.edges) - 1)
        sizes = np.diff(blocks.edges)[self._order]
        first = np.arange(0, len(sizes), blocks.together)
        self._ends = np.cumsum(np.add.reduceat(sizes, first))

    def __len__(self) -> int:
        return int(self._ends[-1])

    def _draw(self, call: int) -> Draw:
        return Draw(self._seed, BLOCKS, Cursor(self._epoch, call))

    def piece(self, place: int) -> tuple[int, Rows]:
        at = int(np.searchsorted(self._ends, place, side="right"))
        blocks, edges = self._order[at * self._blocks.together :][: self._blocks.together], self._blocks.edges
        places = np.concatenate([np.arange(edges[block], edges[block + 1]) for block in blocks])
        rows = places[self._draw(1 + at).permutation(len(places))]
        begin = int(self._ends[at]) - len(rows)
        return begin, rows if self._blocks.rows is None else self._blocks.rows[rows]
