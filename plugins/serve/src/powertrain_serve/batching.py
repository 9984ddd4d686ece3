"""The thread that runs the engine: requests wait in a queue, and those of one model are computed together.

A batch takes what waits. It does not wait for more, unless requests are being read that could still join; then for
`Limits.wait` at most. So one client alone pays nothing, and under load batches grow by themselves while the engine is
busy. A request of many examples is computed in pieces, and goes to the end of the queue between them.

A quick model's examples need no thread: to change to one and back costs more than the answer. The event loop computes
them itself, all that were read in one of its turns together.

Texts are written by the same thread: between two batches each that is being written gets one piece more. So one that is
long holds up neither examples nor other texts.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain_serve.errors import RefusedError
from powertrain_serve.logs import quietly
from powertrain_serve.model import Array, Model

if TYPE_CHECKING:
    from powertrain_serve.direct import KnownReply, Reply
    from powertrain_serve.texts import Text
    from powertrain_serve.waiting import Awaited


@dataclass(eq=False)
class Job:
    """Examples that wait for their outputs."""

    model: Model
    given: Array
    deadline: float  # by time.monotonic
    done: Future[Any] | Awaited | Reply | KnownReply
    since: float = field(default_factory=time.monotonic)
    taken: int = 0
    parts: list[Any] = field(default_factory=list)  # the answers so far

    @property
    def left(self) -> int:
        return len(self.given) - self.taken


class Worker:
    """Runs the engine.

    texts      how many are written side by side; the others wait
    reading    how many requests are being read, and may be queued soon
    batched    called after each batch, with the model, its examples and its seconds
    told       called when the jobs of a batch have their answers, or their refusals
    """

    def __init__(
        self,
        batch: int,
        wait: float,
        queue: int,
        texts: int = 1,
        reading: Callable[[], int] = lambda: 0,
        batched: Callable[[Model, int, float], None] = lambda model, examples, seconds: None,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        self.batch, self.wait, self.queue, self.texts = batch, wait, queue, texts
        self._reading, self._batched, self._told = reading, batched, told
        self._jobs: deque[Job] = deque()
        self._texts: deque[Text] = deque()  # that wait
        self._written: list[Text] = []
        self._changed = threading.Condition()
        self._closed = False
        self._gathering = False  # whether the thread waits for more to join a batch
        self._thread = threading.Thread(target=self._work, name="powertrain-serve-engine", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._jobs) + len(self._texts)

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def writing(self) -> int:
        """How many texts are being written."""
        return len(self._written)

    def submit(self, model: Model, given: Array, deadline: float, share: float = 1.0) -> Future[Any]:
        """Queue examples; `share` is how much of the queue they may fill."""
        done: Future[Any] = Future()
        self.put(Job(model, given, deadline, done), share)
        return done

    def put(self, job: Job, share: float = 1.0) -> None:
        """Queue a job."""
        with self._changed:
            self._demand_room(share)
            self._jobs.append(job)
            # One that others may still join wakes nobody: to change threads costs as much as a small model's answer.
            if not (self._gathering and self._worth_waiting(self._jobs[0])):
                self._changed.notify()

    def run_here(self, jobs: Sequence[Job]) -> None:
        """Compute jobs of one model in the thread of the caller, in batches, without a queue."""
        taken: list[tuple[Job, int]] = []
        room = self.batch
        for job in jobs:
            if taken and job.left > room:
                self._run(taken)
                taken, room = [], self.batch
            taken.append((job, job.left))
            room -= job.left
        self._run(taken)

    def write(self, text: Text) -> None:
        """Queue a text."""
        with self._changed:
            self._demand_room(1.0)
            self._texts.append(text)
            self._changed.notify()

    def _demand_room(self, share: float) -> None:
        if self._closed:
            raise RefusedError(503, "the server is shutting down; expected a running server; send the request again", 5)
        if len(self) >= self.queue * share:
            raise RefusedError(
                429, f"{len(self)} requests are waiting already; expected fewer; send the request again later", 1
            )

    def close(self) -> None:
        """Answer what waits, and end."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            taken = self._next()
            if taken is None:
                return
            if taken:
                try:
                    self._run(taken)
                except Exception as error:  # of ours; those of a model are dealt with before
                    for job, _ in taken:
                        self._failed(job, error)
            self._told()
            del taken  # it holds models, which may be replaced while this waits
            self._written = [text for text in self._written if text.step()]

    def _next(self) -> list[tuple[Job, int]] | None:
        """The jobs of the next batch, with how many examples of each: none where texts are to be written; None at the
        end."""
        with self._changed:
            while not self._jobs and not self._texts and not self._written:
                if self._closed:
                    return None
                self._changed.wait()
            while self._texts and len(self._written) < self.texts:
                self._written.append(self._texts.popleft())
            if not self._jobs:
                return []
            first = self._jobs[0]
            until = first.since + self.wait
            self._gathering = True
            while (
                not self._written
                and (left := until - time.monotonic()) > 0
                and not self._closed
                and self._worth_waiting(first)
            ):
                self._changed.wait(left)
            self._gathering = False
            return self._taken(first)

    def _worth_waiting(self, first: Job) -> bool:
        ready = sum(job.left for job in self._jobs if job.model is first.model)
        return ready < self.batch and self._reading() > 0

    def _taken(self, first: Job) -> list[tuple[Job, int]]:
        room = self.batch
        taken: list[tuple[Job, int]] = []
        rest: list[Job] = []
        again: list[Job] = []
        now = time.monotonic()
        for job in self._jobs:
            if job.done.cancelled():
                continue
            if job.deadline < now:
                _refuse(
                    job,
                    RefusedError(503, "the request waited too long; expected a free engine; send the request again", 1),
                )
            elif room and job.model is first.model:
                count = min(room, job.left)
                taken.append((job, count))
                room -= count
                if count < job.left:
                    again.append(job)
            else:
                rest.append(job)
        self._jobs = deque([*rest, *again])
        return taken

    def _run(self, taken: list[tuple[Job, int]]) -> None:
        model, began = taken[0][0].model, time.monotonic()
        pieces = [job.given[job.taken : job.taken + count] for job, count in taken]
        try:
            outputs = model.answers(pieces[0] if len(pieces) == 1 else np.concatenate(pieces))
        except Exception as error:
            if len(taken) == 1:
                self._failed(taken[0][0], error)
            else:  # one of them is at fault: each alone, so that the others get their answers
                for one in taken:
                    self._run([one])
            return
        if len(taken) > 1:
            iter(outputs)  # which computes the numbers of all: its slices, one for each request, have theirs then
        took, at = time.monotonic() - began, 0
        for job, count in taken:
            job.parts.append(outputs if count == len(outputs) else outputs[at : at + count])
            at, job.taken = at + count, job.taken + count
            if job.taken == len(job.given):
                _answer(job, job.parts)
        quietly(self._batched, model, len(outputs), took)

    def _failed(self, job: Job, error: Exception) -> None:
        with self._changed:
            if job in self._jobs:  # the rest of it need not be computed
                self._jobs.remove(job)
        _refuse(job, error)


def _answer(job: Job, value: Any) -> None:
    if job.done.set_running_or_notify_cancel():
        job.done.set_result(value)


def _refuse(job: Job, error: Exception) -> None:
    if not job.done.done() and job.done.set_running_or_notify_cancel():
        job.done.set_exception(error)
