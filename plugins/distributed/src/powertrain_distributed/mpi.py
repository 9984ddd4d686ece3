"""Workers that an MPI launcher has started: they exchange arrays, and tell each other when one of them ends.

MPI itself waits by polling, with all of a processor. Here a worker that waits sleeps in between, so that those who
compute have the processor. MPI ends a job in which a process was killed; a worker that fails by an exception tells
worker 0, and worker 0 tells all others when it ends. A thread of each worker sends heartbeats, also while the worker
computes: so who waits knows of a process that is stopped, or out of reach, and the job ends.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.plugin import LostWorkerError, MessageTransport, RunOverError, WorkerError
from powertrain_distributed.job import LONGEST_REASON, MPI, copy_of, job, pausing, words

ARRAYS, ENDED, BEAT, LAST_BEAT = range(1, 5)  # what a message is
OVER = "the run is over"  # why a process ends that failed in nothing
BEAT_SECONDS = 0.5  # between two heartbeats, and between two looks at those of others
SILENT_SECONDS = 8.0  # so long another worker may give no sign of life
READ_SECONDS = 0.5  # in which the launcher reads what was said, before it ends all processes
FAILED = 2  # the exit code of a job that a worker left


@contextlib.contextmanager
def joined(launched: int, each_raises: bool = False) -> Iterator[MPITransport]:
    """The transport of one of so many processes that a launcher has started, for a run that ends with the block. All
    end together: worker 0 tells the others, which wait for it. What fails in another worker is raised by worker 0; with
    `each_raises` by all of them."""
    if MPI.COMM_WORLD.Get_size() != launched:
        raise WorkerError(
            f"[mpirun] it has started {launched} processes, and mpi4py sees {MPI.COMM_WORLD.Get_size()}; expected one "
            f"MPI for both; here it is {MPI.Get_library_version().splitlines()[0].strip()}; start the run with its "
            "mpirun"
        )
    transport = MPITransport(job().meet())
    with _share_of_processors():
        if transport.rank == 0:
            try:
                yield transport
            except BaseException as error:
                transport.leave(error)
                raise
            transport.leave()
            return
        with _without_interrupts():
            failure: BaseException | None = None
            try:
                yield transport
            except BaseException as error:  # of whatever kind: others wait
                failure = error
                if not transport.over:
                    transport.tell([0], words(error))
            transport.wait_until_over()
            transport.leave()
        if failure is not None and each_raises:
            raise failure


@contextlib.contextmanager
def _share_of_processors() -> Iterator[None]:
    """Let the processes of one machine have a share of the threads each."""
    threads = pt.get_threads()
    pt.set_threads(max(1, threads // job().processes_of_machine))
    try:
        yield
    finally:
        pt.set_threads(threads)


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C: worker 0 decides when to stop."""
    if threading.current_thread() is not threading.main_thread():  # Python gives signals to no other
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class MPITransport(MessageTransport):
    """Sends arrays to other processes of an MPI job."""

    def __init__(self, comm: MPI.Intracomm) -> None:
        super().__init__(comm.Get_rank(), comm.Get_size())
        self.comm = comm
        self._told: set[int] = set()  # who knows that this worker ends
        self._ended: set[int] = set()  # of whom this one knows it
        self._unsent: list[MPI.Request] = []  # what was on its way when another one ended
        self._hearts = Hearts(comm, self._watched())

    def _watched(self) -> set[int]:
        """Whose heartbeats this worker hears: worker 0 those of all, others those of worker 0 and of their partners."""
        if self.rank == 0:
            return set(range(1, self.size))
        partners = (self.rank ^ (1 << bit) for bit in range(self.size.bit_length() - 1))
        return {0, *(partner for partner in partners if partner < self.size)}

    @property
    def over(self) -> bool:
        """Whether another worker has told this one that it ends."""
        return bool(self._ended)

    def exchange(self, partner: int, given: Sequence[NDArray[Any]], taken: Sequence[NDArray[Any]]) -> None:
        coming = [self.comm.Irecv([_raw(one), MPI.BYTE], partner, ARRAYS) for one in taken]
        going = [self.comm.Isend([_raw(one), MPI.BYTE], partner, ARRAYS) for one in given]
        try:
            self._wait(lambda: bool(MPI.Request.Testall([*coming, *going])))
        except WorkerError:
            for request in coming:
                request.Cancel()
                request.Wait()
            self._unsent = going
            raise

    def conclude(self, arrays: Sequence[NDArray[Any]]) -> None:
        """End the run: fill the contiguous arrays of each worker with those of worker 0, of the same dtypes and sizes.
        All workers call it as often."""
        if self.rank == 0:
            self.tell(range(1, self.size), OVER)
        for array in arrays:
            self._wait(self.comm.Ibcast([_raw(array), MPI.BYTE], 0).Test, over=True)

    def tell(self, others: Iterable[int], reason: str) -> None:
        """Let others know that this worker ends. A message of so few bytes does not wait for who receives it."""
        for other in set(others) - self._told - self._hearts.silent:
            self.comm.Send([reason.encode()[:LONGEST_REASON], MPI.BYTE], other, ENDED)
            self._told.add(other)

    def wait_until_over(self) -> None:
        """Wait until another worker ends, as worker 0 does at the end of the run."""
        while not self.over and 0 not in self._hearts.silent:
            with contextlib.suppress(WorkerError):
                self._wait(lambda: self.over)

    def leave(self, error: BaseException | None = None) -> None:
        """End together with all others. What they have sent before is received: MPI ends with no message left. A job in
        which one of them has stopped is ended by force, and `error` is what this worker would have ended with."""
        others = set(range(self.size)) - {self.rank}
        self.tell(others, OVER if error is None else words(error))
        self._hearts.stop()
        pauses = pausing()
        while not (others <= self._ended and self._hearts.over and MPI.Request.Testall(self._unsent)):
            if not self._receive(MPI.ANY_TAG):
                self._hearts.look()
                if found := self._hearts.silent:
                    sys.stderr.write(f"{error or _silent(min(found))}\n")
                    sys.stderr.flush()
                    time.sleep(READ_SECONDS)
                    self.comm.Abort(FAILED)
                next(pauses)
        self._hearts.free()
        self.comm.Free()

    def _wait(self, done: Callable[[], bool], over: bool = False) -> None:
        """Wait, unless another worker ends; that the run is `over` may be known."""
        pauses = pausing()
        while not done():
            if found := self._receive(ENDED):
                source, said = found
                reason = said.decode(errors="replace")
                if reason == OVER and over:
                    continue
                if reason == OVER:
                    raise RunOverError.lost(source, f"has ended: {reason}")
                if reason.startswith("[workers] worker "):  # it names another one, which has stopped
                    raise LostWorkerError(reason)
                if source == 0 and reason.startswith("["):  # what worker 0 raises, too
                    raise WorkerError(reason)
                raise WorkerError.lost(source, f"has ended: {reason}")
            if (silent := self._hearts.look()) is not None:
                raise _silent(silent)
            next(pauses)

    def _receive(self, tag: int) -> tuple[int, bytes] | None:
        """A message that has come, with who sent it."""
        status = MPI.Status()
        if not self.comm.Iprobe(MPI.ANY_SOURCE, tag, status):
            return None
        content, source = bytearray(status.Get_count(MPI.BYTE)), status.Get_source()
        self.comm.Recv([content, MPI.BYTE], source, status.Get_tag())
        if status.Get_tag() == ENDED:
            self._ended.add(source)
        return source, bytes(content)


def _silent(rank: int) -> LostWorkerError:
    return LostWorkerError.lost(rank, f"has given no sign of life for {SILENT_SECONDS:g} s")


class Hearts:
    """The heartbeats of this worker and of those that it watches, which watch it. They need an MPI that lets several
    threads call it, as it usually does; without one nobody is found to be silent."""

    def __init__(self, comm: MPI.Intracomm, watched: set[int]) -> None:
        self._comm = copy_of(comm)
        self._waited = dict.fromkeys(watched, 0.0)  # seconds since the last heartbeat, as far as this process waited
        self._looked = 0.0
        self._going: dict[int, MPI.Request] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._beats = MPI.Query_thread() == MPI.THREAD_MULTIPLE
        self.silent: set[int] = set()
        self._last = set() if self._beats else set(watched)  # of whom no further one will come
        if self._beats:
            self._thread.start()

    @property
    def over(self) -> bool:
        return self._last >= set(self._waited) and MPI.Request.Testall(list(self._going.values()))

    def look(self) -> int | None:
        """Hear the others; one that is silent, which is told once."""
        status = MPI.Status()
        while self._comm.Iprobe(MPI.ANY_SOURCE, MPI.ANY_TAG, status):
            source = status.Get_source()
            self._comm.Recv([bytearray(0), MPI.BYTE], source, status.Get_tag())
            self._waited[source] = 0.0
            if status.Get_tag() == LAST_BEAT:
                self._last.add(source)
        # Time in which this process computed, or was itself stopped, does not count.
        now = time.monotonic()
        passed, self._looked = min(now - self._looked, BEAT_SECONDS), now
        for other in set(self._waited) - self._last - self.silent:
            self._waited[other] += passed
            if self._waited[other] > SILENT_SECONDS:
                self.silent.add(other)
                return other
        return None

    def stop(self) -> None:
        """Send the last heartbeat."""
        if self._beats and not self._stopped.is_set():
            self._stopped.set()
            self._thread.join()
            for other in self._waited:
                self._comm.Isend([b"", MPI.BYTE], other, LAST_BEAT).Free()

    def free(self) -> None:
        """Give back what MPI holds for it, once it is over."""
        self._comm.Free()

    def _beat(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS):
            for other in self._waited:
                if other not in self._going or self._going[other].Test():  # it may be that nobody receives there
                    self._going[other] = self._comm.Isend([b"", MPI.BYTE], other, BEAT)


def _raw(array: NDArray[Any]) -> NDArray[np.uint8]:
    """The bytes of an array: MPI has no names for some of our dtypes."""
    return array.reshape(-1).view(np.uint8)
