"""How what shards contribute is summed, in a tree over all of them.

The gradients of a part of an optimizer are one flat array, in which each lies as the parameter does, and all else is
one array for each dtype. A program writes them in memory that the transport lends, the transport sums them there, and
the update reads them there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.optim.received import lay_out
from powertrain.plugin.bfloat16 import BFLOAT16, pack, unpack
from powertrain.plugin.transport import OwnArrays, Transport, add_to

if TYPE_CHECKING:
    from powertrain.optim.parts import Part
    from powertrain.train.workers.pace import Pace

Results: TypeAlias = Sequence[tuple[tuple[int, ...], np.dtype[Any]]]  # shape and dtype of each
Lend: TypeAlias = Callable[[Results], list[NDArray[Any]]]  # gives memory for them

_PIECE: Callable[..., pt.Tensor] = pt.ops.functional.OPERATORS["flat_view"]


class Contribution:
    """How what one shard contributes lies in a few arrays: the flat gradients of the parts, and all else by dtype.

    Made inside the trace of the gradients.
    """

    def __init__(self, parts: Sequence[Part], others: Sequence[pt.Tensor]) -> None:
        self._parts = list(parts)
        self.gradients = len(self._parts)  # of the arrays, these come first
        self._shapes = [tuple(other.shape) for other in others]
        names = sorted({other.dtype.name for other in others})
        self._places = [names.index(other.dtype.name) for other in others]

    def packed(self, grads: Sequence[pt.Tensor], others: Sequence[pt.Tensor]) -> list[pt.Tensor]:
        """The results of a program."""
        made, _ = lay_out(self._parts, grads)
        for number in range(len(set(self._places))):
            lines = [pt.reshape(one, (-1,)) for one, place in zip(others, self._places, strict=True) if place == number]
            made.append(pt.concat(lines))
        return made

    def unpacked(self, arrays: Sequence[pt.Tensor]) -> tuple[list[pt.Tensor], list[pt.Tensor]]:
        """The flat gradients and all else, inside the trace of the update."""
        flat, lines = list(arrays[: len(self._parts)]), arrays[len(self._parts) :]
        used, others = [0] * len(lines), []
        for shape, place in zip(self._shapes, self._places, strict=True):
            others.append(_PIECE(lines[place], used[place], shape))
            used[place] += int(np.prod(shape, dtype=np.int64))
        return flat, others


class TreeSum:
    """Sums what the shards of this worker contribute, and then with the other workers.

    Of the arrays, the first `compressed()` ones are rounded to bfloat16 if they are float32: what each shard
    contributes, and each sum. So the bits do not depend on which sums lie between two workers.
    """

    def __init__(self, compressed: Callable[[], int] = lambda: 0) -> None:
        self._compressed = compressed
        self._memory, self._wide = OwnArrays(), OwnArrays()
        # The sum so far, those that wait for their neighbours, and at last a shard that is added at once.
        self._sums: list[list[NDArray[Any]]] = []
        self._float32: list[NDArray[Any]] = []  # what is rounded, as a program writes and reads it

    def of(self, shards: Sequence[Callable[[Lend], object]], transport: Transport, pace: Pace) -> list[NDArray[Any]]:
        """The sums over a power of two of shards, each of which writes arrays of one axis into what it is lent."""
        for number, compute in enumerate(shards):
            compute(partial(self._lend, number, len(shards), transport))
            for wide, packed in zip(self._float32, self._rounded(number), strict=True):
                pack(wide, packed)
            self._carry(number)
        with pace.waiting():
            transport.all_reduce(self._sums[0])
        for wide, packed in zip(self._float32, self._rounded(0), strict=True):
            unpack(packed, wide)
        return self._in_float32(0)

    def _lend(self, number: int, count: int, transport: Transport, results: Results) -> list[NDArray[Any]]:
        """Where a shard writes: the first one where other workers read."""
        if number == 0:
            sizes = [(math.prod(shape), dtype) for shape, dtype in results]
            small = [at < self._compressed() and dtype == np.float32 for at, (_, dtype) in enumerate(sizes)]
            self._float32 = self._wide.lend([size for size, one in zip(sizes, small, strict=True) if one])
            sizes = [(length, BFLOAT16 if one else dtype) for (length, dtype), one in zip(sizes, small, strict=True)]
            more = self._memory.lend(sizes * (count.bit_length() - 1))
            self._sums = [transport.lend(sizes)]
            self._sums += [more[at : at + len(sizes)] for at in range(0, len(more), len(sizes))]
        return self._in_float32(number)

    def _of(self, number: int) -> list[NDArray[Any]]:
        """Where what a shard contributes lies, until it is added to others."""
        return self._sums[-1 if number % 2 else number.bit_count()]

    def _rounded(self, number: int) -> list[NDArray[Any]]:
        return [one for one in self._of(number) if one.dtype == BFLOAT16]

    def _in_float32(self, number: int) -> list[NDArray[Any]]:
        """The arrays of a shard, with the memory of float32 in place of what is rounded."""
        wide = iter(self._float32)
        return [next(wide) if one.dtype == BFLOAT16 else one for one in self._of(number)]

    def _carry(self, number: int) -> None:
        """Add what a shard has written to the sums that wait, as in a binary counter: each bit of its number is one,
        and what carries is added."""
        if number % 2 == 0:
            return
        count = number.bit_count()
        _add(self._sums[count - 1], self._sums[-1])
        carries = (number ^ (number + 1)).bit_count() - 1
        for at in range(count - 1, count - carries, -1):
            _add(self._sums[at - 1], self._sums[at])


def _add(sums: Sequence[NDArray[Any]], more: Sequence[NDArray[Any]]) -> None:
    for one, other in zip(sums, more, strict=True):
        add_to(one, other)
