"""Several batches in a row whose arrays lie one behind the other: what one call of a compiled step takes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from powertrain.data.batch import Batch
from powertrain.data.order import Pick
from powertrain.data.source import Array, Fields


class Block:
    """Batches of one size that were made together. `names` and `stacked()` are what `Batch.for_a_step` gives of each,
    with an axis of batches in front."""

    __slots__ = ("_arrays", "_begin", "_end", "_picks", "_real", "_whole", "has_weights", "names")

    def __init__(
        self, whole: Batch, arrays: Sequence[Array], real: Array | None, picks: Sequence[Pick], begin: int, end: int
    ) -> None:
        """`arrays`, `real` (which examples are no padding; None for all) and `picks` are of all batches that were made
        together, from which this one has those from `begin` to below `end`."""
        self._whole, self._arrays, self._real, self._picks = whole, arrays, real, picks
        self._begin, self._end = begin, end
        self.names, self.has_weights = whole.for_a_step()[0], whole.has_weights

    def __len__(self) -> int:
        """Batches."""
        return self._end - self._begin

    @property
    def last(self) -> Pick:
        return self._picks[self._end - 1]

    @property
    def examples(self) -> int:
        """Real examples, without padding."""
        if self._real is None:
            return len(self) * int(self._arrays[0].shape[1])
        return int(np.count_nonzero(self._real[self._begin : self._end]))

    def part(self, begin: int, end: int) -> Block:
        """Some of the batches."""
        first = self._begin
        return Block(self._whole, self._arrays, self._real, self._picks, first + begin, first + end)

    def stacked(self) -> tuple[Array, ...]:
        """The arrays: [batches, size, ...]."""
        return tuple([array[self._begin : self._end] for array in self._arrays])

    def batches(self) -> list[Batch]:
        """Each by itself: their arrays are parts of these."""
        count = None if self._real is not None else int(self._arrays[0].shape[1])
        picks = self._picks[self._begin : self._end]
        return self._whole.parts(picks, zip(*self.stacked()), itertools.repeat(count))  # noqa: B905 - of one length


def blocks(fields: Fields, picks: Sequence[Pick], weighted: bool) -> list[Block]:
    """The batches of some picks, whose rows lie one after the other in `fields`: a block for each run of one size."""
    real = np.concatenate([pick.weight for pick in picks])
    whole = Batch(fields, picks[0]._replace(weight=real), weighted)
    sizes = [len(pick.indices) for pick in picks]
    made, row, at = [], 0, 0
    for size, run in itertools.groupby(sizes):
        count = len(list(run))
        own = slice(row, row + count * size)
        arrays = [_cut(value[own], count, size) for value in whole.for_a_step()[1]]  # type: ignore[index]
        padded = None if real[own].all() else _cut(real[own], count, size)
        made.append(Block(whole, arrays, padded, picks[at : at + count], 0, count))
        row, at = own.stop, at + count
    return made


def _cut(array: Array, count: int, size: int) -> Array:
    return array.reshape(count, size, *array.shape[1:])
