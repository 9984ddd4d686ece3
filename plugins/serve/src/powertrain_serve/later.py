"""What can wait until requests were answered: their counts, log lines and places in the queue of the monitor.

Each of these takes about as long as a small model's answer. Nearly all of that is for what requests can share: a lock,
a call of the system, a line that differs in a name and a number. So they are done for several requests at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from powertrain_serve.logs import log_requests, quietly
from powertrain_serve.metrics import Metrics
from powertrain_serve.model import Model

if TYPE_CHECKING:
    from powertrain_serve.answers import Answers
    from powertrain_serve.bodies import Given
    from powertrain_serve.known import Known
    from powertrain_serve.watching import Watch

GATHER = 0.02  # seconds,
MOST = 16  # and requests after which what was gathered is done: more of them would hold up the next one


class Answered:
    """A request that was answered, with a status of 200."""

    __slots__ = ("answers", "began", "ended", "engine", "given", "id", "known")

    def __init__(
        self, known: Known, id: str, began: float, given: Given, answers: Answers, engine: float | None
    ) -> None:
        self.known, self.id, self.began, self.ended = known, id, began, time.monotonic()
        self.given, self.answers = given, answers
        self.engine = engine  # seconds of the batch, where it was one of its own


class Later:
    """Gathers what was answered; for the event loop alone."""

    def __init__(self, metrics: Metrics, watch: Watch) -> None:
        self._metrics, self._watch = metrics, watch
        self._gathered: list[Answered] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, one: Answered, loop: asyncio.AbstractEventLoop) -> None:
        self._gathered.append(one)
        if self._timer is None:
            self._timer = loop.call_later(GATHER, self._due)
        if len(self._gathered) >= MOST:
            self.flush()

    def _due(self) -> None:
        self._timer = None
        self.flush()

    def flush(self) -> None:
        """Do it now: before somebody asks for counts, or for what a label belongs to."""
        gathered, self._gathered = self._gathered, []
        if gathered:
            quietly(self._watch.see_all, map(_seen, gathered))
            quietly(self._count, gathered)
            quietly(log_requests, gathered)

    def _count(self, gathered: Sequence[Answered]) -> None:
        seconds: dict[str, list[float]] = {}
        batches: dict[Model, list[tuple[int, float]]] = {}
        for one in gathered:
            seconds.setdefault(one.known.route, []).append(one.ended - one.began)
            if one.engine is not None:
                batches.setdefault(one.known.model, []).append((len(one.given.examples), one.engine))
        for route, several in seconds.items():
            self._metrics.requests(route, 200, several)
        for model, computed in batches.items():
            self._metrics.batches(model, *zip(*computed, strict=True))


def _seen(one: Answered) -> tuple[Model, str, Given, Answers, int]:
    return one.known.model, one.id, one.given, one.answers, one.known.length
