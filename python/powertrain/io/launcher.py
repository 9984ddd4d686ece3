"""A launcher of MPI, such as mpirun, that has started this process together with others."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import TracebackType

# What launchers tell each process that they start: MPICH and Intel MPI, Open MPI.
_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
_JOINS = "powertrain_distributed.mpi"  # the module that tells the others of the end, once it is imported


_joined = False


def launched() -> int:
    """How many processes a launcher of MPI has started together, this one included; 1 while they train a run, in which
    each of them is alone with what it calls."""
    if _joined:
        return 1
    return max((int(size) for name in _SIZES if (size := os.environ.get(name, "")).isdecimal()), default=1)


@contextlib.contextmanager
def together() -> Iterator[None]:
    """A run of all of them."""
    global _joined
    _joined = True
    try:
        yield
    finally:
        _joined = False


def end_job() -> None:
    """End all processes of the job. MPICH waits for a process that has not joined the others yet, however it ends,
    unless a signal ends it."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    signal.raise_signal(signal.SIGTERM)


def end_job_with_script() -> None:
    """From now on an exception that a script does not catch ends all processes of the job, as long as this one has not
    joined the others: they may wait for it in `pt.fit`."""
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        before(kind, error, traceback)
        if _JOINS not in sys.modules:
            end_job()

    sys.excepthook = hook
