"""What the workers of a run exchange: sums over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from powertrain._core import Error


class WorkerError(Error):  # type: ignore[misc, unused-ignore]
    """Workers that cannot train together, or that have lost one of them."""


class Transport(Protocol):
    """Connects a worker with the others. `size` is a power of two, `rank` the number of this worker, from 0."""

    @property
    def rank(self) -> int: ...

    @property
    def size(self) -> int: ...

    def all_reduce(self, arrays: Sequence[NDArray[Any]]) -> None:
        """Replace each array, which is contiguous, by its sum over all workers. Every element is added up in a binary
        tree of neighbours, ((0 + 1) + (2 + 3)), and every worker gets the same bits. All workers call it as often, with
        arrays of the same dtypes and sizes."""


class Alone:
    """The transport of a worker without others."""

    rank, size = 0, 1

    def all_reduce(self, arrays: Sequence[NDArray[Any]]) -> None:
        pass
