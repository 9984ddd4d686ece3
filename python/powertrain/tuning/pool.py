"""The workers of a search: processes that are started when there is something to train, and replaced when they die."""

from __future__ import annotations

import contextlib
import selectors
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from powertrain.io.channel import Channel
from powertrain.io.children import command

GRACE_SECONDS = 10.0


@dataclass
class Worker:
    """A process and what it does."""

    process: subprocess.Popen[bytes]
    channel: Channel
    trial: int = 0  # 0: none
    stopped: bool = False


class Pool:
    """At most `size` workers at a time. What they print goes to `log`, a descriptor."""

    def __init__(self, size: int, log: int) -> None:
        self.size, self._log = size, log
        self._workers: list[Worker] = []
        self._selector = selectors.DefaultSelector()

    @property
    def free(self) -> bool:
        return sum(one.trial != 0 for one in self._workers) < self.size

    @property
    def busy(self) -> list[Worker]:
        return [one for one in self._workers if one.trial]

    def start(self, trial: int, job: dict[str, Any]) -> None:
        """Give a job to a worker that has none."""
        while True:
            worker = next((one for one in self._workers if not one.trial), None) or self._started()
            worker.trial = trial
            try:
                worker.channel.send(job)
                return
            except BrokenPipeError:  # it died while it had nothing to do
                self.drop(worker)

    def messages(self, seconds: float) -> Iterator[tuple[Worker, dict[str, Any] | None]]:
        """What workers said, waited for so long; None for one that has died."""
        for key, _ in self._selector.select(seconds):
            worker: Worker = key.data
            arrived = worker.channel.arrived()
            if arrived is None:
                yield worker, None
            for message in arrived or ():
                yield worker, message

    def drop(self, worker: Worker) -> None:
        """Go on without a worker: the next job starts another one."""
        self._selector.unregister(worker.channel.reads)
        self._workers.remove(worker)
        _end(worker)

    def stop(self) -> None:
        """Ask every worker to save after its round and to end its job."""
        for worker in self._workers:
            if not worker.stopped:
                worker.stopped = True  # a second signal would end it at once
                worker.process.terminate()

    def close(self) -> None:
        """End all of them."""
        for worker in list(self._workers):
            self.drop(worker)
        self._selector.close()

    def _started(self) -> Worker:
        # Ctrl-C in a terminal goes to a whole session: here the search decides what becomes of its workers.
        process = subprocess.Popen(
            [*command("powertrain.tuning.worker"), str(self.size)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, start_new_session=True, bufsize=0,
        )  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        worker = Worker(process, Channel(process.stdout.fileno(), process.stdin.fileno()))
        self._workers.append(worker)
        self._selector.register(worker.channel.reads, selectors.EVENT_READ, worker)
        return worker


def _end(worker: Worker) -> None:
    """Close the pipes, at which a worker ends by itself between two rounds; one that does not is killed."""
    process = worker.process
    assert process.stdin is not None and process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    if worker.trial:
        process.kill()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
