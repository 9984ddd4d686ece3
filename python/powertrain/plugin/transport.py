"""What the workers of a run exchange: sums over all of them, in a tree that does not depend on their number."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from powertrain._core import Error
from powertrain.errors.methods import Abstract

Array: TypeAlias = NDArray[Any]


class WorkerError(Error):  # type: ignore[misc, unused-ignore]
    """Workers that cannot train together, or that have lost one of them.

    Example
        >>> import powertrain as pt
        >>> try:
        ...     pt.fit("digits", run={"shards": 4}, workers=3)
        ... except pt.plugin.WorkerError as error:
        ...     print(str(error).partition(";")[0])
        [workers] received 3 workers for run.shards = 4
    """

    @classmethod
    def lost(cls, rank: int, what: str) -> WorkerError:
        """The error that names a worker without which the others cannot go on."""
        return cls(
            f"[workers] worker {rank} {what}; expected all to train to the end; train with --resume to continue from "
            "the last checkpoint, with any number of workers"
        )


class Transport(Protocol):
    """Connects a worker with the others. `size` is a power of two, `rank` the number of this worker, from 0. Worker 0
    leads the run.

    Example
        >>> from powertrain.plugin import Transport
        >>> class Alone:  # there are no others to sum with
        ...     rank, size = 0, 1
        ...     def all_reduce(self, arrays):
        ...         pass
        >>> transport: Transport = Alone()
    """

    @property
    def rank(self) -> int: ...

    @property
    def size(self) -> int: ...

    def all_reduce(self, arrays: Sequence[Array]) -> None:
        """Replace each array, which is contiguous, by its sum over all workers. Every element is added up in a binary
        tree of neighbours, ((0 + 1) + (2 + 3)), and every worker gets the same bits. All workers call it as often, with
        arrays of the same dtypes and sizes."""


class Alone:
    """The transport of a worker without others."""

    rank, size = 0, 1

    def all_reduce(self, arrays: Sequence[Array]) -> None:
        pass


def partners(rank: int, size: int) -> list[int]:
    """Whom a worker meets, in the order of the rounds of a sum."""
    return [rank ^ (1 << bit) for bit in range(size.bit_length() - 1)]


class Halving(NamedTuple):
    """A round of a sum: two workers hold a part of each array, and each adds up a half of it."""

    partner: int
    kept: list[slice]  # what this worker adds up, and goes on with
    given: list[slice]  # what its partner does


def halvings(rank: int, size: int, lengths: Sequence[int]) -> list[Halving]:
    """The rounds of recursive halving; doubling meets the same partners in reverse order.

    Worker r meets r ^ 1, then r ^ 2, r ^ 4, ... So each element is added in the tree of neighbours, by one worker. With
    doubling a worker receives 2 (1 - 1/W) times the arrays, the least that an all-reduce can do (Thakur, Rabenseifner &
    Gropp 2005, Optimization of Collective Communication Operations in MPICH).
    """
    rounds, parts = [], [slice(0, length) for length in lengths]
    for partner in partners(rank, size):
        halves = [_halves(part, rank < partner) for part in parts]
        parts = [kept for kept, _ in halves]
        rounds.append(Halving(partner, parts, [given for _, given in halves]))
    return rounds


def _halves(part: slice, lower: bool) -> tuple[slice, slice]:
    """The half that a worker goes on with, and the one that it leaves to its partner."""
    middle = (part.start + part.stop) // 2
    halves = slice(part.start, middle), slice(middle, part.stop)
    return halves if lower else halves[::-1]


def add_to(sums: Array, more: Array) -> None:
    """Add an array to sums. What is not finite is found by the guard of the update."""
    with np.errstate(all="ignore"):
        np.add(sums, more, out=sums)


class MessageTransport(Abstract):
    """A transport over messages between two workers: a subclass has `exchange`, and sums come from it.

    Example
        >>> import numpy as np
        >>> from powertrain.plugin import MessageTransport
        >>> class Echo(MessageTransport):  # as if the other worker held the same numbers
        ...     def exchange(self, partner, given, taken):
        ...         for mine, theirs in zip(given, taken):
        ...             theirs[:] = np.resize(mine, theirs.shape)
        >>> numbers = np.ones(4, np.float32)
        >>> Echo(rank=0, size=2).all_reduce([numbers])
        >>> numbers.tolist()
        [2.0, 2.0, 2.0, 2.0]
    """

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size
        self.received_bytes = 0  # of arrays of partners, so far

    @abstractmethod
    def exchange(self, partner: int, given: Sequence[Array], taken: Sequence[Array]) -> None:
        """Send a partner the given arrays, and fill those to take with what it sends, which have the same dtypes. The
        partner does the same; sizes may be 0. Raises a WorkerError where the partner is gone."""

    def all_reduce(self, arrays: Sequence[Array]) -> None:
        """Replace each contiguous array by its sum over all workers."""
        flat = [array.reshape(-1) for array in arrays]
        rounds = halvings(self.rank, self.size, [array.size for array in flat])
        for partner, kept, given in rounds:
            sums, others = _parts(flat, kept), _parts(flat, given)
            taken = [np.empty_like(one) for one in sums]
            self._exchange(partner, others, taken)
            for one, more in zip(sums, taken, strict=True):
                add_to(one, more)
        for partner, kept, given in reversed(rounds):
            self._exchange(partner, _parts(flat, kept), _parts(flat, given))

    def _exchange(self, partner: int, given: list[Array], taken: list[Array]) -> None:
        self.exchange(partner, given, taken)
        self.received_bytes += sum(one.nbytes for one in taken)


def _parts(arrays: Sequence[Array], parts: Sequence[slice]) -> list[Array]:
    return [array[part] for array, part in zip(arrays, parts, strict=True)]
