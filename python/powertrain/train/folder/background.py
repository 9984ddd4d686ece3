"""Work that goes on in a thread beside training: the writing of a checkpoint."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

T = TypeVar("T")
_unfinished: set[Future[Any]] = set()


def begin(work: Callable[[], T]) -> Future[T]:
    """Start a piece of work in a thread of its own, which the interpreter waits for before it ends; where there can be
    no more threads, do it here."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # whoever began it is told
            future.set_exception(error)

    _unfinished.add(future)
    future.add_done_callback(_unfinished.discard)
    try:
        threading.Thread(target=run, name="powertrain-checkpoint").start()
    except RuntimeError:  # the system gives no more threads, or the interpreter ends
        run()
    return future


def finish() -> None:
    """Wait for all such work of this process."""
    wait(tuple(_unfinished))


# A child process has no such threads: what one holds, it would hold for ever.
os.register_at_fork(before=finish)
