"""The other workers of a run on this machine: started, watched and ended by the one that leads."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.io.channel import Channel
from powertrain.io.children import command, how_it_ended
from powertrain.plugin.transport import Alone, LostWorkerError, Transport, WorkerError, partners
from powertrain.train.report.process import wants_to_run
from powertrain.train.workers.shared_memory import BEAT_SECONDS, MOST_WORKERS, SharedMemory, new_memory

if TYPE_CHECKING:
    from powertrain.recipe import Recipe

# So long another worker may give no sign of life. Its heartbeat is a thread of Python's, which waits where a library
# holds the interpreter.
SILENT_SECONDS = 8.0
GRACE_SECONDS = 5.0  # to end, or to have ended after a partner did
LOST = 75  # the exit code of a worker that ended since another one did


@dataclass(frozen=True)
class Job:
    """What a worker is told: the run, as a command or a call names it."""

    recipe: str | Mapping[str, object]  # its name, or its tables
    settings: Sequence[str]
    trust: bool
    folder: str
    changed_data: bool

    @classmethod
    def of(cls, recipe: Recipe, folder: Path, trust: bool, changed_data: bool) -> Job:
        """Of a recipe without Python objects. Its tables, where it has no name, hold the settings already."""
        if recipe.given:
            return cls(recipe.given, recipe.overrides, trust, str(folder), changed_data)
        return cls(recipe.tables, (), trust, str(folder), changed_data)


def demand_workers(count: int, recipe: Recipe, most: int = MOST_WORKERS) -> None:
    """Refuse a number of workers that cannot share a run; `most` is the largest that their transport allows."""
    if type(count) is not int or count < 1:
        raise WorkerError(f"[workers] received {count!r}; expected a whole number >= 1; such as 2")
    if count == 1:
        return
    if recipe.objects:
        raise WorkerError(
            f"[workers] received {count} workers and Python objects for {', '.join(recipe.objects)}; expected names "
            'or tables, from which each process builds the same, such as model="./net.py:Net"; or leave workers out'
        )
    shards = recipe.run.shards
    if shards % count or count > most:
        fit = ", ".join(str(1 << bit) for bit in range(min(shards, most).bit_length()))
        raise WorkerError(
            f"[workers] received {count} workers for run.shards = {shards}; expected a number that divides it: {fit}; "
            f"or write run.shards = {1 << (count - 1).bit_length()}, which changes the numbers of a run"
        )


@dataclass(frozen=True)
class Restarted:
    """Workers of this machine: where one of them is lost, all are started again."""

    count: int
    job: Job
    then: str = "with all workers started again"

    def group(self) -> AbstractContextManager[Transport]:
        return started(self.count, self.job)


@contextlib.contextmanager
def started(count: int, job: Job, silent_seconds: float = SILENT_SECONDS) -> Iterator[Transport]:
    """Start the other workers of a run, of which this process is the first; they end with the block. Each has its share
    of the threads."""
    if count == 1:
        yield Alone()
        return
    threads = pt.get_threads()
    share = max(1, threads // count)
    with contextlib.ExitStack() as stack:
        memory = new_memory()
        stack.callback(os.close, memory)
        ends = connected(count)
        for one in (one for of_rank in ends for one in of_rank.values()):
            stack.callback(one.close)
        watch = Watch(silent_seconds)
        stack.callback(watch.close)
        for rank in range(1, count):
            watch.workers.append(_start(rank, count, memory, ends[rank], {**asdict(job), "threads": share}))
        transport = SharedMemory(0, count, memory, ends[0], watch)
        stack.callback(transport.close)
        stack.callback(pt.set_threads, threads)
        pt.set_threads(share)
        yield transport


def connected(count: int) -> list[dict[int, socket.socket]]:
    """Of each rank the sockets that lead to its partners."""
    ends: list[dict[int, socket.socket]] = [{} for _ in range(count)]
    for rank in range(count):
        for partner in partners(rank, count):
            if rank < partner:
                ends[rank][partner], ends[partner][rank] = socket.socketpair()
    return ends


@dataclass
class Worker:
    """Another process of the run."""

    rank: int
    process: subprocess.Popen[bytes]
    channel: Channel
    beats: int = 0
    silent: float = 0.0  # seconds since its last heartbeat, as far as this process has waited

    def why(self) -> str:
        """Why it has ended, in words."""
        said = self.channel.arrived()
        return str(said[0]["failed"]) if said else how_it_ended(self.process)


def _start(rank: int, count: int, memory: int, ends: dict[int, socket.socket], job: dict[str, object]) -> Worker:
    """Start a worker. It alone has its ends of the sockets from then on: where it dies, the others see them closed."""
    passed = {partner: one.fileno() for partner, one in ends.items()}
    process = subprocess.Popen(
        command("powertrain.train.workers.worker"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
        pass_fds=(memory, *passed.values()),
    )  # fmt: skip
    for one in ends.values():
        one.close()
    assert process.stdin is not None and process.stdout is not None
    worker = Worker(rank, process, Channel(process.stdout.fileno(), process.stdin.fileno()))
    with contextlib.suppress(BrokenPipeError):  # it has ended already, which the first sum will tell
        worker.channel.send({**job, "rank": rank, "size": count, "memory": memory, "sockets": list(passed.items())})
    return worker


class Watch:
    """What the first worker looks at while it waits for the others."""

    def __init__(self, silent_seconds: float) -> None:
        self.workers: list[Worker] = []
        self._silent_seconds = silent_seconds

    def look(self, beats: NDArray[np.int64]) -> None:
        """Called every BEAT_SECONDS of waiting: time in which this process itself was stopped does not count."""
        self._demand_running()
        for worker in self.workers:
            alive = beats[worker.rank] != worker.beats or wants_to_run(worker.process.pid)
            worker.silent = 0.0 if alive else worker.silent + BEAT_SECONDS
            worker.beats = int(beats[worker.rank])
            if worker.silent > self._silent_seconds:
                worker.process.kill()
                raise LostWorkerError.lost(
                    worker.rank,
                    f"has not responded for {self._silent_seconds:g} s (process {worker.process.pid})",
                )

    def lost(self, partner: int) -> WorkerError:
        """The error that names the worker which ended first; others end after it."""
        until = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < until:
            try:
                self._demand_running()
            except WorkerError as error:
                return error
            time.sleep(0.01)
        return LostWorkerError.lost(partner, "has left the others")

    def _demand_running(self) -> None:
        for worker in self.workers:
            code = worker.process.poll()
            if code not in (None, 0, LOST):  # 0: it is through with its part of the last sum
                # What fails by an error would fail again.
                kind = LostWorkerError if code < 0 else WorkerError
                raise kind.lost(worker.rank, f"has ended: {worker.why()}")

    def close(self) -> None:
        """End all of them: a worker ends by itself where nobody holds the other end of its standard input."""
        for worker in self.workers:
            assert worker.process.stdin is not None
            worker.process.stdin.close()
        until = time.monotonic() + GRACE_SECONDS
        for worker in self.workers:
            try:
                worker.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:  # it is stopped, perhaps
                worker.process.kill()
                worker.process.wait()
            assert worker.process.stdout is not None
            worker.process.stdout.close()
