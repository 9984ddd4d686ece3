"""Workers that an MPI launcher has started: they exchange arrays, and tell each other when one of them ends.

MPI itself waits by polling, with all of a processor. Here a worker that waits sleeps in between, so that those who
compute have the processor. MPI ends a job in which a process was killed; a worker that fails by an exception tells
worker 0, and worker 0 tells all others when it ends.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.plugin import MessageTransport, WorkerError

try:
    from mpi4py import MPI
except (ImportError, RuntimeError) as error:  # it is there, and finds no library
    raise WorkerError(
        f"[mpirun] mpi4py cannot be imported: {error}; expected it, and the MPI of this mpirun; pip install "
        "'powertrain-distributed[mpi]', or [mpich], which brings an MPI"
    ) from error

ARRAYS, ENDED = 1, 2  # what a message is
LONGEST_REASON = 500
# Seconds between two looks for a message: first short, so that a quick answer is not waited for, then longer.
SHORTEST_PAUSE, LONGEST_PAUSE = 2e-5, 2e-3


@contextlib.contextmanager
def joined(launched: int) -> Iterator[MPITransport]:
    """The transport of one of so many processes that a launcher has started, for a run that ends with the block. All
    end together: worker 0 tells the others, which wait for it. What fails in another worker is raised by worker 0."""
    transport = MPITransport(MPI.COMM_WORLD)
    if transport.size != launched:
        raise WorkerError(
            f"[mpirun] it has started {launched} processes, and mpi4py sees {transport.size}; expected one MPI for "
            f"both; here it is {MPI.Get_library_version().splitlines()[0].strip()}; start the run with its mpirun"
        )
    _share_processors(MPI.COMM_WORLD)
    if transport.rank == 0:
        try:
            yield transport
        finally:
            transport.leave()
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # worker 0 decides when to stop
    try:
        yield transport
    except BaseException as error:  # of whatever kind: others wait
        if not transport.over:
            transport.tell([0], str(error) if isinstance(error, pt.Error) else f"{type(error).__name__}: {error}")
    transport.wait_until_over()
    transport.leave()


def _share_processors(comm: MPI.Intracomm) -> None:
    """Let the processes of one machine have a share of the threads each."""
    machine = comm.Split_type(MPI.COMM_TYPE_SHARED)
    pt.set_threads(max(1, pt.get_threads() // machine.Get_size()))
    machine.Free()


class MPITransport(MessageTransport):
    """Sends arrays to other processes of an MPI job."""

    def __init__(self, comm: MPI.Intracomm) -> None:
        super().__init__(comm.Get_rank(), comm.Get_size())
        self._comm = comm
        self._told: set[int] = set()  # who knows that this worker ends
        self._ended: set[int] = set()  # of whom this one knows it
        self._unsent: list[MPI.Request] = []  # what was on its way when another one ended

    @property
    def over(self) -> bool:
        """Whether another worker has told this one that it ends."""
        return bool(self._ended)

    def exchange(self, partner: int, given: Sequence[NDArray[Any]], taken: Sequence[NDArray[Any]]) -> None:
        coming = [self._comm.Irecv([_raw(one), MPI.BYTE], partner, ARRAYS) for one in taken]
        going = [self._comm.Isend([_raw(one), MPI.BYTE], partner, ARRAYS) for one in given]
        try:
            self._wait(lambda: bool(MPI.Request.Testall([*coming, *going])))
        except WorkerError:
            for request in coming:
                request.Cancel()
                request.Wait()
            self._unsent = going
            raise

    def tell(self, others: Iterable[int], reason: str) -> None:
        """Let others know that this worker ends. A message of so few bytes does not wait for who receives it."""
        for other in set(others) - self._told:
            self._comm.Send([reason.encode()[:LONGEST_REASON], MPI.BYTE], other, ENDED)
            self._told.add(other)

    def wait_until_over(self) -> None:
        """Wait until another worker ends, as worker 0 does at the end of the run."""
        with contextlib.suppress(WorkerError):
            self._wait(lambda: self.over)

    def leave(self) -> None:
        """End together with all others. What they have sent before is received: MPI ends with no message left."""
        others = set(range(self.size)) - {self.rank}
        self.tell(others, "the run is over")
        pauses = _pauses()
        while self._receive(MPI.ANY_TAG) or not others <= self._ended or not MPI.Request.Testall(self._unsent):
            next(pauses)

    def _wait(self, done: Callable[[], bool]) -> None:
        """Wait, unless another worker ends."""
        pauses = _pauses()
        while not done():
            if found := self._receive(ENDED):
                source, reason = found
                raise WorkerError.lost(source, f"has ended: {reason.decode(errors='replace')}")
            next(pauses)

    def _receive(self, tag: int) -> tuple[int, bytes] | None:
        """A message that has come, with who sent it."""
        status = MPI.Status()
        if not self._comm.Iprobe(MPI.ANY_SOURCE, tag, status):
            return None
        content, source = bytearray(status.Get_count(MPI.BYTE)), status.Get_source()
        self._comm.Recv([content, MPI.BYTE], source, status.Get_tag())
        if status.Get_tag() == ENDED:
            self._ended.add(source)
        return source, bytes(content)


def _pauses() -> Iterator[None]:
    """Sleep for longer and longer."""
    seconds = SHORTEST_PAUSE
    while True:
        yield
        time.sleep(seconds)
        seconds = min(2 * seconds, LONGEST_PAUSE)


def _raw(array: NDArray[Any]) -> NDArray[np.uint8]:
    """The bytes of an array: MPI has no names for some of our dtypes."""
    return array.view(np.uint8)
