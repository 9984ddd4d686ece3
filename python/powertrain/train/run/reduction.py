"""How what shards contribute is summed, in a tree over all of them.

The gradients of a part of an optimizer are one flat array, in which each lies as the parameter does, and all else is
one array for each dtype. A program writes them so, the transport sums them where they lie, and the update reads them
there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.optim.received import lay_out
from powertrain.plugin.transport import OwnArrays, Transport, add_to

if TYPE_CHECKING:
    from powertrain.optim.parts import Part
    from powertrain.train.workers.pace import Pace

_PIECE: Callable[..., pt.Tensor] = pt.ops.functional.OPERATORS["flat_view"]


class Contribution:
    """How what one shard contributes lies in a few arrays: the flat gradients of the parts, and all else by dtype.

    Made inside the trace of the gradients.
    """

    def __init__(self, parts: Sequence[Part], others: Sequence[pt.Tensor]) -> None:
        self._parts = list(parts)
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
    """Sums what the shards of this worker contribute, and then with the other workers."""

    def __init__(self) -> None:
        self._memory = OwnArrays()  # of the sums that wait, but for the first one

    def of(
        self, shards: Sequence[Callable[[], Sequence[pt.Tensor]]], transport: Transport, pace: Pace
    ) -> list[NDArray[Any]]:
        """The sums over a power of two of shards, each of which gives arrays of one axis."""
        sums: list[NDArray[Any]] = []
        waiting: list[list[NDArray[Any]]] = []  # the sum so far, and those that wait for their neighbours
        for number, compute in enumerate(shards):
            results = compute()
            if not waiting:
                sizes = [(int(one.size), one.numpy().dtype) for one in results]
                sums = transport.lend(sizes)
                more = self._memory.lend(sizes * (len(shards).bit_length() - 2))
                waiting = [sums, *(more[at : at + len(sizes)] for at in range(0, len(more), len(sizes)))]
            _add(results, waiting, number)
        with pace.waiting():
            transport.all_reduce(sums)
        return sums


def _add(results: Sequence[pt.Tensor], waiting: Sequence[Sequence[NDArray[Any]]], number: int) -> None:
    """Add the results of a shard to the sums that wait, as in a binary counter: each bit of its number is one, and what
    carries is added."""
    count = number.bit_count()
    carries = (number ^ (number + 1)).bit_count() - 1
    for place, result in enumerate(results):
        if carries == 0:
            waiting[count][place][:] = result.numpy()
        else:
            add_to(waiting[count - 1][place], result.numpy())
        for at in range(count - 1, count - carries, -1):
            add_to(waiting[at - 1][place], waiting[at][place])
