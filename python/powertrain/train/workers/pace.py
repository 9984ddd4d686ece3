"""How long each worker computes between two sums, and which one the others wait for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from powertrain.plugin.transport import Transport

STEPS = 20  # that are compared at once, at least
TIMES = 1.5  # so much longer than the others a worker computes that is named
LOST_SECONDS = 1.0  # of waiting, below which nobody minds


class Pace:
    """Measures the steps of this worker. Usual times count, so that a checkpoint or a first step does not."""

    def __init__(self) -> None:
        self._seconds: list[float] = []  # of each step since the last comparison, without waiting
        self._began: float | None = None
        self._named: set[int] = set()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """A sum, in which workers wait for each other."""
        if self._began is not None:
            self._seconds.append(time.perf_counter() - self._began)
        yield
        self._began = time.perf_counter()

    @contextmanager
    def pausing(self) -> Iterator[None]:
        """A time within a step that does not count, since workers wait for each other."""
        before = time.perf_counter()
        yield
        if self._began is not None:
            self._began += time.perf_counter() - before

    def straggler(self, transport: Transport) -> str:
        """Compare the workers, where there are enough steps: of one that is much slower, in words. All workers make as
        many steps, and so they compare at the same commits."""
        steps = len(self._seconds)
        if transport.size == 1 or steps < STEPS:
            return ""
        usual = np.zeros(transport.size)
        usual[transport.rank] = np.median(self._seconds)
        self._seconds.clear()
        transport.all_reduce([usual])
        slowest = int(usual.argmax())
        others = float(np.median(np.delete(usual, slowest)))
        lost = steps * (usual[slowest] - others)
        if slowest in self._named or usual[slowest] < TIMES * others or lost < LOST_SECONDS:
            return ""
        self._named.add(slowest)
        return (
            f"[workers] worker {slowest} computes {usual[slowest]:.3g} s in each step and the others {others:.3g} s; "
            "expected as long for all, since they wait for it; give its machine no other work, or leave it out"
        )
