"""Batches made ahead by worker threads, given out in order.

Workers change when a batch is made, never which: picks are handed out in order, under one lock. Threads rather than
processes, since NumPy's copies release the interpreter lock.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from powertrain.data.batch import held_bytes
from powertrain.data.order import Pick

Made = tuple[Any, Pick]

# Handing a batch over costs some tens of microseconds. When one of the first batches took less time than this to make,
# workers would only cost. The least time counts, since others include waiting for a busy machine.
_QUICK_SECONDS = 0.25e-3
_TRIALS = 8
# Such batches are made many at a time, for about so long and at most so many: together they cost little more than one.
_BLOCK_SECONDS = 1e-3
_MOST_AT_ONCE = 64
_MOST_BYTES = 1 << 19  # of their arrays: more would leave the cache of a core before a step reads them
# Workers begin when the consumer has made the first batch, or after so long. Several threads hand Python's lock to and
# fro, each time after up to 5 ms, and the first batch would come two to four times as late.
_HEAD_START_SECONDS = 0.05
# Workers yield to the threads that compute: this much lower in priority, where the system lets a thread be.
_NICE = 5


class _Cell:
    """The place of one batch in the window."""

    __slots__ = ("batch", "done", "error", "pick")

    def __init__(self, pick: Pick | None, error: Exception | None = None) -> None:
        self.pick = pick
        self.done = error is not None
        self.batch: Made | None = None
        self.error = error


class _Shared:
    """What the workers see: the picks still to hand out and the window of results, in order."""

    def __init__(self, make: Callable[[Pick], Any], picks: Iterator[Pick], workers: int, ahead: int) -> None:
        self.make = make
        self.picks = picks
        self.window = workers * ahead
        self.changed = threading.Condition()
        self.results: deque[_Cell] = deque()
        self.seconds: list[float] = []
        self.bytes = 0  # of the arrays of a batch
        self.exhausted = False
        self.stopped = False
        self.process = os.getpid()

    @property
    def full(self) -> bool:
        return len(self.results) >= self.window

    @property
    def begun(self) -> bool:
        """Whether there is a batch; under the lock."""
        return bool(self.seconds) or self.exhausted or self.stopped

    @property
    def quick(self) -> bool:
        """Whether batches are made faster than they are handed over, so that workers would only cost."""
        return len(self.seconds) >= _TRIALS and min(self.seconds) < _QUICK_SECONDS

    @property
    def small(self) -> bool:
        """Whether several quick batches fit the cache together; a large one is sooner made alone."""
        return self.quick and 2 * self.bytes <= _MOST_BYTES

    def take(self) -> _Cell | None:
        """The next batch to make, with its place; under the lock. None when there is none."""
        pick = None
        try:
            pick = None if self.stopped or self.exhausted else next(self.picks, None)
        except Exception as error:  # whoever asked, the consumer is told, in its turn
            self.results.append(_Cell(None, error))
        if pick is None:
            self.exhausted = True
            self.changed.notify_all()
            return None
        self.results.append(_Cell(pick))
        return self.results[-1]

    def take_block(self, seconds: float) -> list[Pick]:
        """Batches to make together, of which each takes so long; under the lock, when no worker takes any. Empty when
        there are none."""
        quick = 1 + int(_BLOCK_SECONDS / max(seconds, 1e-9))
        count = min(_MOST_AT_ONCE, quick, _MOST_BYTES // max(self.bytes, 1))
        found: list[Pick] = []
        if self.stopped or self.exhausted:
            return found
        try:
            for pick in itertools.islice(self.picks, count):
                found.append(pick)  # one by one, since those before an error count
        except Exception as error:
            self.results.append(_Cell(None, error))
            self.exhausted = True
        self.exhausted = self.exhausted or len(found) < count
        return found

    def fill(self, cell: _Cell) -> None:
        """Makes a batch in its place; outside the lock."""
        start = time.perf_counter()
        assert cell.pick is not None
        try:
            cell.batch = (self.make(cell.pick), cell.pick)
        except Exception as error:
            cell.error = error
        seconds = time.perf_counter() - start
        with self.changed:
            cell.done = True
            if len(self.seconds) < _TRIALS:
                self.seconds.append(seconds)
                self.bytes = max(self.bytes, held_bytes(cell.batch[0]) if cell.batch else 0)
            self.changed.notify_all()


def _work(shared: _Shared) -> None:
    if sys.platform == "linux":
        # On Linux a thread has a priority of its own; elsewhere this would slow the whole process.
        with contextlib.suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICE)
    with shared.changed:
        shared.changed.wait_for(lambda: shared.begun, _HEAD_START_SECONDS)
    while True:
        with shared.changed:
            while shared.full and not shared.stopped:
                shared.changed.wait()
            cell = None if shared.quick else shared.take()
        if cell is None:
            return
        shared.fill(cell)


def _stop(shared: _Shared) -> None:
    if shared.process != os.getpid():
        return  # in a child the workers are gone, and one of them may have held the lock
    with shared.changed:
        shared.stopped = True
        shared.changed.notify_all()


class Prefetched(Iterator[Sequence[Made]]):
    """Batches made ahead by daemon threads, which hold no reference to this object: dropping it stops them. The next
    one comes alone, or with those after it that are there.

    Each worker is at most `ahead` batches ahead. The consumer makes a batch itself rather than wait for one, and all of
    them once they prove to be quick to make: then several at once by `make_many`, where that is given.
    """

    def __init__(
        self,
        make: Callable[[Pick], Any],
        picks: Iterator[Pick],
        workers: int,
        ahead: int,
        make_many: Callable[[list[Pick]], list[Any]] | None = None,
    ) -> None:
        self._shared = _Shared(make, picks, workers, ahead)
        self._make_many = make_many
        self._seconds = 0.0  # for each of the last batches that were made together
        self._alone: deque[Pick] = deque()  # batches that could not be made together, and now are made in their turn
        self._close = weakref.finalize(self, _stop, self._shared)
        for number in range(workers):
            threading.Thread(target=_work, args=(self._shared,), name=f"loader-{number}", daemon=True).start()

    def __next__(self) -> Sequence[Made]:
        while True:
            if self._alone:
                cell = _Cell(self._alone.popleft())
                self._shared.fill(cell)
                return self._given(cell)
            found = self._next()
            if isinstance(found, _Cell):
                return self._given(found)
            if found:
                return found

    def _given(self, cell: _Cell) -> Sequence[Made]:
        if cell.error is not None:
            self.close()
            raise cell.error
        assert cell.batch is not None
        return [cell.batch]

    def _next(self) -> _Cell | Sequence[Made]:
        shared, make_many = self._shared, self._make_many
        while True:
            with shared.changed:
                if shared.results and shared.results[0].done:
                    cell = shared.results.popleft()
                    shared.changed.notify_all()
                    return cell
                if make_many is not None and shared.small and not shared.results:
                    picks = shared.take_block(self._seconds or min(shared.seconds))
                    if not picks and not shared.results:
                        raise StopIteration
                    break
                mine = None if shared.full else shared.take()
                if mine is None:
                    if not shared.results:
                        raise StopIteration
                    if not shared.results[0].done:
                        shared.changed.wait()
            if mine is not None:
                shared.fill(mine)
        assert make_many is not None
        return self._made(make_many, picks) if picks else ()

    def _made(self, make_many: Callable[[list[Pick]], list[Any]], picks: list[Pick]) -> Sequence[Made]:
        """Batches made together. Where that fails, each is made in its turn, and the one at fault raises."""
        start = time.perf_counter()
        try:
            made = make_many(picks)
            self._seconds = (time.perf_counter() - start) / len(picks)
            return list(zip(made, picks, strict=True))
        except Exception:
            self._make_many = None
            self._alone.extend(picks)
            return ()

    @property
    def here(self) -> bool:
        """Whether the workers are in this process: after a fork, the child has none of them."""
        return self._shared.process == os.getpid()

    def close(self) -> None:
        self._close()
