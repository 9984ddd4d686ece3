"""What the workers of a run exchange: sums over all of them, in a tree that does not depend on their number."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from powertrain._core import Error
from powertrain.errors.methods import Abstract
from powertrain.plugin import bfloat16

Array: TypeAlias = NDArray[Any]
Size: TypeAlias = tuple[int, np.dtype[Any]]  # of an array of one axis: how many numbers it has
# Bytes: arrays to sum in begin at multiples of it, as kernels expect of what they write.
ALIGNED = 64
Lost = TypeVar("Lost", bound="WorkerError")


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
    def lost(cls: type[Lost], rank: int, what: str) -> Lost:
        """The error that names a worker without which the others cannot go on."""
        return cls(
            f"[workers] worker {rank} {what}; expected all to train to the end; train with --resume to continue from "
            "the last checkpoint, with any number of workers"
        )


class LostWorkerError(WorkerError):
    """A worker that has gone: its process has ended or is stopped, or nothing comes through to it. Others may go on
    without it, from the last checkpoint.

    Example
        >>> from powertrain.plugin import LostWorkerError
        >>> print(str(LostWorkerError.lost(2, "has left the others")).partition(";")[0])
        [workers] worker 2 has left the others
    """


class RunOverError(WorkerError):
    """Worker 0 has ended the run, and nothing failed: it was interrupted, its time is over, or it has come to the end.
    A worker that waits for another one ends, too.

    Example
        >>> from powertrain.plugin import RunOverError, WorkerError
        >>> issubclass(RunOverError, WorkerError)
        True
    """


class Transport(Protocol):
    """Connects a worker with the others. `size` is a power of two, `rank` the number of this worker, from 0. Worker 0
    leads the run.

    Example
        >>> import numpy as np
        >>> from powertrain.plugin import Transport
        >>> class Alone:  # there are no others to sum with
        ...     rank, size = 0, 1
        ...     def lend(self, sizes):
        ...         return [np.empty(count, dtype) for count, dtype in sizes]
        ...     def all_reduce(self, arrays):
        ...         pass
        ...     def all_gather(self, arrays):
        ...         pass
        >>> transport: Transport = Alone()
    """

    @property
    def rank(self) -> int: ...

    @property
    def size(self) -> int: ...

    def lend(self, sizes: Sequence[Size]) -> list[Array]:
        """Arrays of so many numbers of a dtype to sum in, whose memory nobody reads any more: to sum these, or parts of
        them, may cost less than other arrays. They are lent until the next sum of others. All workers call it as often,
        with the same sizes."""

    def all_reduce(self, arrays: Sequence[Array]) -> None:
        """Replace each array, which is contiguous, by its sum over all workers. Every element is added up in a binary
        tree of neighbours, ((0 + 1) + (2 + 3)), and every worker gets the same bits. All workers call it as often, with
        arrays of the same dtypes and sizes. Compressed gradients have a dtype that NumPy does not add; a
        MessageTransport does."""

    def all_gather(self, arrays: Sequence[Array]) -> None:
        """Fill each array, which is contiguous, with what the other workers hold: each of them has its `own_part`. All
        workers call it as often, with arrays of the same dtypes and sizes."""


class OwnArrays:
    """Lends memory of this process, the same as long as the sizes are."""

    def __init__(self) -> None:
        self._sizes: list[Size] = []
        self._arrays: list[Array] = []

    def lend(self, sizes: Sequence[Size]) -> list[Array]:
        """Arrays to sum in."""
        if self._sizes != list(sizes):
            self._sizes, self._arrays = list(sizes), [_aligned(*size) for size in sizes]
        return self._arrays


def _aligned(count: int, dtype: np.dtype[Any]) -> Array:
    """An array that begins where programs write results: at a multiple of ALIGNED."""
    memory = np.empty(count * dtype.itemsize + ALIGNED, np.uint8)
    start = -int(memory.__array_interface__["data"][0]) % ALIGNED
    return memory[start : start + count * dtype.itemsize].view(dtype)


class Alone(OwnArrays):
    """The transport of a worker without others."""

    rank, size = 0, 1

    def all_reduce(self, arrays: Sequence[Array]) -> None:
        pass

    def all_gather(self, arrays: Sequence[Array]) -> None:
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


def own_part(rank: int, size: int, length: int) -> slice:
    """The part of an array that a worker adds up in a sum, and gives to the others in `all_gather`."""
    return halvings(rank, size, [length])[-1].kept[0] if size > 1 else slice(0, length)


def _halves(part: slice, lower: bool) -> tuple[slice, slice]:
    """The half that a worker goes on with, and the one that it leaves to its partner."""
    middle = (part.start + part.stop) // 2
    halves = slice(part.start, middle), slice(middle, part.stop)
    return halves if lower else halves[::-1]


def add_to(sums: Array, more: Array) -> None:
    """Add an array to sums. What is not finite is found by the guard of the update."""
    if sums.dtype == bfloat16.BFLOAT16:
        bfloat16.add(sums, more)
        return
    with np.errstate(all="ignore"):
        np.add(sums, more, out=sums)


class MessageTransport(OwnArrays, Abstract):
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
        super().__init__()
        self.rank, self.size = rank, size
        self.received_bytes = 0  # of arrays of partners, so far

    @abstractmethod
    def exchange(self, partner: int, given: Sequence[Array], taken: Sequence[Array]) -> None:
        """Send a partner the given arrays, and fill those to take with what it sends, which have the same dtypes. The
        partner does the same; sizes may be 0. Raises a WorkerError where the partner is gone."""

    def all_reduce(self, arrays: Sequence[Array]) -> None:
        """Replace each contiguous array by its sum over all workers."""
        flat = [array.reshape(-1) for array in arrays]
        for partner, kept, given in halvings(self.rank, self.size, [array.size for array in flat]):
            sums, others = _parts(flat, kept), _parts(flat, given)
            taken = [np.empty_like(one) for one in sums]
            self._exchange(partner, others, taken)
            for one, more in zip(sums, taken, strict=True):
                add_to(one, more)
        self.all_gather(flat)

    def all_gather(self, arrays: Sequence[Array]) -> None:
        """Fill each contiguous array with what the other workers hold of it."""
        flat = [array.reshape(-1) for array in arrays]
        for partner, kept, given in reversed(halvings(self.rank, self.size, [array.size for array in flat])):
            self._exchange(partner, _parts(flat, kept), _parts(flat, given))

    def _exchange(self, partner: int, given: list[Array], taken: list[Array]) -> None:
        self.exchange(partner, given, taken)
        self.received_bytes += sum(one.nbytes for one in taken)


def _parts(arrays: Sequence[Array], parts: Sequence[slice]) -> list[Array]:
    return [array[part] for array, part in zip(arrays, parts, strict=True)]
