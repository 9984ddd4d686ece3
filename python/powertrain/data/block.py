"""Several batches in a row whose arrays lie one behind the other: what one call of a compiled step takes."""

from __future__ import annotations

import itertools
import operator
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from powertrain.data.batch import Batch
from powertrain.data.order import Pick, Place
from powertrain.data.picks import JoinedPicks
from powertrain.data.source import Array, Fields


class Block:
    """Batches of one size that were made together. `names` and `stacked()` are what `Batch.for_a_step` gives of each,
    with an axis of batches in front."""

    __slots__ = ("_arrays", "_begin", "_end", "_picks", "_real", "_skipped", "_whole", "count", "has_weights", "names")

    def __init__(
        self, whole: Batch, arrays: Sequence[Array], real: Array | None, picks: JoinedPicks, begin: int, end: int,
        skipped: int = 0,
    ) -> None:  # fmt: skip
        """`arrays`, `real` (which examples are no padding; None for all) and `picks` are of all batches of one size
        that were made together, from which this one has those from `begin` to below `end`. `skipped`: picks before the
        first of the arrays."""
        self._whole, self._arrays, self._real, self._picks = whole, arrays, real, picks
        self._begin, self._end, self._skipped = begin, end, skipped
        self.count = end - begin  # of the batches: to ask for it by len() is a call
        self.names, self.has_weights = whole.for_a_step()[0], whole.has_weights

    def __len__(self) -> int:
        """Batches."""
        return self.count

    @property
    def end(self) -> Place:
        """Where the last one ends."""
        return self._picks.behind(self._skipped + self._end - 1)

    @property
    def examples(self) -> int:
        """Real examples, without padding."""
        if self._real is None:
            return len(self) * int(self._arrays[0].shape[1])
        return int(np.count_nonzero(self._real[self._begin : self._end]))

    def part(self, begin: int, end: int) -> Block:
        """Some of the batches."""
        # The attributes one by one, as of the parts of a batch.
        one = Block.__new__(Block)
        one._whole, one._arrays, one._real, one._picks = self._whole, self._arrays, self._real, self._picks
        one._begin, one._end, one._skipped = self._begin + begin, self._begin + end, self._skipped
        one.count, one.names, one.has_weights = end - begin, self.names, self.has_weights
        return one

    def stacked(self) -> tuple[Array, ...]:
        """The arrays: [batches, size, ...]."""
        return tuple([array[self._begin : self._end] for array in self._arrays])

    def beside(self, others: Mapping[str, Block]) -> Block:
        """With the fields of other blocks of as many batches beside its own, `NAME_field`; the weight is the last."""
        arrays = dict(zip(self.names, self.stacked(), strict=True))
        weight = arrays.pop("weight")
        for name, other in others.items():
            fields = (f"{name}_{field}" for field in other.names)
            arrays.update(zip(fields, other.stacked(), strict=True))
        whole = Batch(arrays, Pick(self._picks.runs[0].rows, weight, self._picks.runs[0].end), weighted=True)
        whole.has_weights = self.has_weights
        real = None if self._real is None else self._real[self._begin : self._end]
        return Block(whole, (*arrays.values(), weight), real, self._picks, 0, self.count, self._skipped + self._begin)

    def batches(self) -> list[Batch]:
        """Each by itself: their arrays are parts of these."""
        return [batch for batch, _ in self.each()]

    def each(self) -> list[tuple[Batch, Pick]]:
        """The same, with their picks."""
        count = None if self._real is not None else int(self._arrays[0].shape[1])
        picks = list(itertools.islice(self._picks, self._skipped + self._begin, self._skipped + self._end))
        made = self._whole.parts(picks, zip(*self.stacked()), itertools.repeat(count))  # noqa: B905 - of one length
        return list(zip(made, picks, strict=True))


def blocks(fields: Fields, picks: JoinedPicks, weighted: bool) -> list[Block]:
    """The batches of some picks, whose rows lie one after the other in `fields`: a block for each run of one size
    in one turn."""
    real = np.concatenate([run.weights.reshape(-1) for run in picks.runs])
    first = picks.runs[0]
    whole = Batch(fields, Pick(first.rows[0], real, first.end), weighted)
    made, row = [], 0
    for (size, _), alike in itertools.groupby(picks.runs, _size_and_turn):
        run = JoinedPicks(list(alike))
        count = len(run)
        own = slice(row, row + count * size)
        arrays = [_cut(value[own], count, size) for value in whole.for_a_step()[1]]  # type: ignore[index]
        padded = None if all(map(_full, run.runs)) or real[own].all() else _cut(real[own], count, size)
        made.append(Block(whole, arrays, padded, run, 0, count))
        row = own.stop
    return made


class Several(Iterator[Batch]):
    """Batches of a stream, one by one or several at once."""

    def __next__(self) -> Batch:
        made = self.several(1)
        if made is None:
            raise StopIteration
        return made.batches()[0] if isinstance(made, Block) else made

    @abstractmethod
    def several(self, most: int) -> Batch | Block | None:
        """A batch that stands alone, or a block of at most so many; None at the end."""


class Counted(Several):
    """So many batches, which a function makes when they are asked for: at most as many as it is told, in a block."""

    def __init__(self, make: Callable[[int], Block], count: int) -> None:
        self._make, self._left = make, count

    def several(self, most: int) -> Block | None:
        if not self._left:
            return None
        made = self._make(min(most, self._left))
        self._left -= made.count
        return made


def several(batches: Iterator[Batch], most: int) -> Iterator[Batch | Block]:
    """The batches of a stream, at most so many at once where it gives them so."""
    if not isinstance(batches, Several):
        yield from batches
        return
    while (made := batches.several(most)) is not None:
        yield made


_size_and_turn, _full = operator.attrgetter("size", "turn.number"), operator.attrgetter("full")


def _cut(array: Array, count: int, size: int) -> Array:
    return array.reshape(count, size, *array.shape[1:])
