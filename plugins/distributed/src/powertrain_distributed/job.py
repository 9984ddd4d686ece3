"""The processes of an MPI job between the runs that they share: each waits for the others, and hears of those that end.

A process that ends tells all others: so who waits for it in `pt.fit` does not wait for ever. MPI itself ends a job in
which a process was killed.
"""

from __future__ import annotations

import atexit
import functools
import os
import sys
import time
from collections.abc import Callable, Iterator

import powertrain as pt
from powertrain.plugin import WorkerError

try:
    from mpi4py import MPI as MPI  # of mpi.py too
except (ImportError, RuntimeError) as error:  # it is there, and finds no library
    raise WorkerError(
        f"[mpirun] mpi4py cannot be imported: {error}; expected it, and the MPI of this mpirun; pip install "
        "'powertrain-distributed[mpi]', or [mpich], which brings an MPI"
    ) from error

HERE, GONE = 1, 2  # what a message is
LONGEST_REASON = 2000  # bytes; a message of so few does not wait for who receives it
TOLD_SECONDS = 10.0  # of waiting, after which a person is told of it
# Seconds between two looks for a message: first short, so that a quick answer is not waited for, then longer.
SHORTEST_PAUSE, LONGEST_PAUSE = 2e-5, 2e-3


class Job:
    """All processes that a launcher has started, of which this is one."""

    def __init__(self) -> None:
        self.rank, self.size = MPI.COMM_WORLD.Get_rank(), MPI.COMM_WORLD.Get_size()
        self._others = set(range(self.size)) - {self.rank}
        self._gone: dict[int, str] = {}
        self._process = os.getpid()
        # Of our own: what a script sends is none of ours.
        self._comm, made = MPI.COMM_WORLD.Idup()
        self._wait(made.Test)
        machine = self._comm.Split_type(MPI.COMM_TYPE_SHARED)
        self.processes_of_machine: int = machine.Get_size()
        machine.Free()
        atexit.register(self._end)

    def meet(self) -> MPI.Intracomm:
        """Wait until all have come to their next run; what leads to them in this run."""
        for other in self._others - set(self._gone):
            self._comm.Isend([b"", MPI.BYTE], other, HERE).Free()
        awaited = set(self._others)

        def all_here() -> bool:
            while (found := self._receive()) is not None:
                source, what = found
                if what == HERE:
                    awaited.discard(source)
            for other in awaited & set(self._gone):
                raise WorkerError(
                    f"[mpirun] process {other} has ended, {self._gone[other]}; expected all to train this run "
                    "together; call pt.fit as often in each process"
                )
            return not awaited

        self._wait(all_here)
        return copy_of(self._comm)

    def _receive(self) -> tuple[int, int] | None:
        """A message that has come: whose, and what it says. Who has ended is noted."""
        status = MPI.Status()
        if not self._comm.Iprobe(MPI.ANY_SOURCE, MPI.ANY_TAG, status):
            return None
        content, source = bytearray(status.Get_count(MPI.BYTE)), status.Get_source()
        self._comm.Recv([content, MPI.BYTE], source, status.Get_tag())
        if status.Get_tag() == GONE:
            self._gone[source] = bytes(content).decode(errors="replace")
        return source, status.Get_tag()

    def _wait(self, done: Callable[[], bool]) -> None:
        pauses, told_at = pausing(), time.monotonic() + TOLD_SECONDS
        while not done():
            if self.rank == 0 and time.monotonic() > told_at:
                told_at = float("inf")
                sys.stderr.write(
                    f"[mpirun] process 0 waits for the other {self.size - 1} to begin a run; expected all to call "
                    "pt.fit; pass workers=1 to train a run in one process\n"
                )
            next(pauses)

    def _end(self) -> None:
        """Tell the others that this process ends, and wait for their ends, as MPI itself would with all of a
        processor."""
        if MPI.Is_finalized() or os.getpid() != self._process:  # that of a copy is none of the job's
            return
        error = getattr(sys, "last_value", None)
        reason = "its script has come to an end" if error is None else f"by {words(error)}"
        for other in self._others:
            self._comm.Isend([reason.encode()[:LONGEST_REASON], MPI.BYTE], other, GONE).Free()
        pauses = pausing()
        while len(self._gone) < len(self._others):
            if self._receive() is None:
                next(pauses)


@functools.cache
def job() -> Job:
    """The job of this process."""
    return Job()


def copy_of(comm: MPI.Intracomm) -> MPI.Intracomm:
    """What leads to the same processes apart from others, once all of them have asked for it."""
    made, request = comm.Idup()
    pauses = pausing()
    while not request.Test():
        next(pauses)
    return made


def words(error: BaseException) -> str:
    """An error in words."""
    return str(error) if isinstance(error, pt.Error) else f"{type(error).__name__}: {error}"


def pausing() -> Iterator[None]:
    """Sleep for longer and longer."""
    seconds = SHORTEST_PAUSE
    while True:
        yield
        time.sleep(seconds)
        seconds = min(2 * seconds, LONGEST_PAUSE)
