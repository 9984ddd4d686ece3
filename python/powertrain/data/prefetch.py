"""Batches made ahead by worker threads, given out in order.

Workers change when a batch is made, never which: picks are handed out in order, under a lock. Threads rather than
processes, since NumPy's copies and the engine's release the interpreter lock.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from powertrain.data.batch import held_bytes
from powertrain.data.block import Block
from powertrain.data.order import Pick, Place
from powertrain.data.picks import JoinedPicks, PickQueue, Picks

Made = tuple[Any, Pick | Place]  # a batch with its pick, or a Block with the place behind it

# Handing over costs some tens of microseconds. When one of the last batches took less time than this to make, they are
# handed over in blocks from then on, and a single worker makes them. The least time counts, since others include
# waiting for a busy machine, or the first use of code and memory. The first batches have to be at least so many.
_QUICK_SECONDS = 0.25e-3
_TRIALS = 4
# A block is made in about so long, and is of at most so many batches: together they cost little more than one.
_BLOCK_SECONDS = 1e-3
MOST_AT_ONCE = 256
_MOST_BYTES = 1 << 21  # of the arrays of a block: two of them and what a step uses should stay in a cache
_BLOCKS_AHEAD = 2
_LATELY = 8
# The worker that makes blocks looks by itself whether there is room for one more. To wake it would cost the consumer as
# much as the small steps that it takes blocks for; it does so when it has taken the last one.
_NAP_SECONDS = 0.25e-3
_LONGEST_NAP_SECONDS = 10e-3
# Workers begin when the consumer has made the first batch, or after so long. Several threads hand Python's lock to and
# fro, each time after up to 5 ms, and the first batch would come two to four times as late.
_HEAD_START_SECONDS = 0.05
# Workers yield to the threads that compute: this much lower in priority, where the system lets a thread be.
_NICE = 5


class Pace(NamedTuple):
    """What an iteration found about batches; the next one of the same loader begins with it."""

    seconds: float = 0.0  # for a batch; 0 if that is not known
    bytes: int = 0  # of the arrays of a batch

    @property
    def quick(self) -> bool:
        """Whether batches are made so fast that they are handed over in blocks."""
        return 0 < self.seconds < _QUICK_SECONDS


class _Cell:
    """The place of one batch in the window, or of a block of them."""

    __slots__ = ("done", "error", "made", "picks", "wanted")

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted  # so many picks, if there are as many
        self.picks = JoinedPicks(())
        self.done = False
        self.made: list[Made] = []
        self.error: Exception | None = None  # to be raised behind what was made


class _Shared:
    """What the workers see: the picks still to hand out and the window of results, in order."""

    def __init__(
        self,
        make: Callable[[Pick], Any],
        picks: Iterator[Picks],
        window: int,
        make_many: Callable[[JoinedPicks], list[Block]] | None,
        pace: Pace,
        most: int,
        together: bool,
    ) -> None:
        self.together = together
        self.make, self.make_many = make, make_many
        self.most = most
        self.picks = PickQueue(picks)
        self.window = window
        self.pace = pace if pace.quick else Pace()
        self.quick = self.pace.quick  # or once that is known
        # Seconds for a batch of the last cells: one that waited for a busy machine must not make the next blocks small.
        self.lately: deque[float] = deque(maxlen=_LATELY)
        self.choosing = threading.Lock()  # whoever takes picks; before the other one, where both are held
        self.changed = threading.Condition()
        self.results: deque[_Cell] = deque()
        self.tried = 0  # of the first batches
        self.taken = 0  # batches
        self.given = 0  # of those: batches that the consumer has
        self.turn = (0, 0)  # batches that it will have then, by what it said, and for how many it asked when it did
        self.block_worker: int | None = None  # the thread that makes blocks
        self.spent: deque[_Cell] = deque()  # that the consumer has taken: see `fill`
        self.waiting = 0  # workers that wait for room in the window
        self.exhausted = False
        self.stopped = False
        self.process = os.getpid()

    @property
    def full(self) -> bool:
        return len(self.results) >= (_BLOCKS_AHEAD if self.quick else self.window)

    @property
    def wanted(self) -> bool:
        """Whether the consumer makes a batch itself; under the lock."""
        # A block that a worker has begun is there sooner than one that is begun now.
        return not (self.full or (self.quick and self.results) or self.exhausted or self.stopped)

    @property
    def begun(self) -> bool:
        """Whether there is a batch; under the lock."""
        return self.quick or self.tried > 0 or self.exhausted or self.stopped

    def released(self) -> bool:
        """Whether this worker is not needed, since another one makes blocks, or nobody does; under the lock."""
        if self.quick and self.most == 1:
            return True
        me = threading.get_ident()
        if self.quick and self.block_worker is None:
            self.block_worker = me
            self.changed.notify_all()
        return self.block_worker not in (None, me)

    def wait_for_room(self) -> None:
        """Until this worker may make a batch, or has to end; under the lock."""
        self.waiting += 1  # first, since the consumer looks at it without the lock
        nap = _NAP_SECONDS
        while not self.released() and self.full and not self.stopped:
            self.changed.wait(nap if self.quick else None)
            nap = min(1.5 * nap, _LONGEST_NAP_SECONDS)
        self.waiting -= 1

    def reserve(self) -> _Cell | None:
        """The place of the next batches to make; under both locks. None when there are none."""
        if self.stopped or self.exhausted:
            return None
        self.results.append(_Cell(self._count()))
        return self.results[-1]

    def choose(self, cell: _Cell) -> None:
        """Take the picks of a reserved place; under the lock of picks alone, since an order of rows may take long."""
        found, error = self.picks.take(cell.wanted)  # whoever asked, the consumer is told of an error, in its turn
        with self.changed:
            cell.picks, cell.error = found, error
            cell.done = not len(found)
            self.taken += len(found)
            if self.picks.ended:
                self.exhausted = True
                self.changed.notify_all()

    def _count(self) -> int:
        """How many batches are made together: at most as many as there were before, since more may not be asked for,
        or as many as the consumer has said that it will."""
        if not self.quick:
            return 1
        seconds, size = self.pace
        sure, asked = self.turn
        wanted = max(self.taken, sure - self.taken)
        most = min(self.most, wanted, int(_BLOCK_SECONDS / max(seconds, 1e-9)), _MOST_BYTES // max(size, 1))
        if most < 1 or not asked:
            return max(1, most)
        # Of what is left of the consumer's turn, and of turns like it, equal parts, or several turns: a block over the
        # end of one is used twice.
        left = (sure - self.taken) % asked or asked
        if left > most:
            return math.ceil(left / math.ceil(left / most))
        return left + (most - left) // asked * asked

    def fill(self, cell: _Cell) -> None:
        """Makes batches in their place; outside the lock."""
        # What a worker made is freed by it: on another core that takes as long as a small step. The consumer may still
        # use what it took last, and what it took before that until it has this.
        while len(self.spent) > 2:
            self.spent.popleft()
        start = time.perf_counter()
        self._fill(cell)
        seconds = (time.perf_counter() - start) / len(cell.picks)
        with self.changed:
            cell.done = True
            self.lately.append(seconds)
            self.pace = self.pace._replace(seconds=min(self.lately))
            if not self.quick:
                self.tried += 1
                if self.tried <= _TRIALS:
                    held = held_bytes(cell.made[0][0]) if cell.made else 0
                    self.pace = self.pace._replace(bytes=max(self.pace.bytes, held))
                self.quick = self.tried >= _TRIALS and self.pace.quick
            self.changed.notify_all()

    def _fill(self, cell: _Cell) -> None:
        """All of them together where that works; else each by itself, and the one at fault raises in its turn."""
        make_many = self.make_many
        if len(cell.picks) > 1 and make_many is not None:
            try:
                several = make_many(cell.picks)
                if self.together:
                    cell.made = [(block, block.end) for block in several]
                else:
                    cell.made = [made for block in several for made in block.each()]
                return
            except Exception:
                self.make_many = None
        try:
            for pick in cell.picks:
                cell.made.append((self.make(pick), pick))
        except Exception as error:
            cell.error = error


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
            shared.wait_for_room()
            if shared.released() or shared.stopped or shared.exhausted:
                return
        # Nobody waits for room while he holds this lock: others would wait for him who make room.
        with shared.choosing:
            with shared.changed:
                cell = None if shared.released() or shared.full else shared.reserve()
            if cell is not None:
                shared.choose(cell)
        if cell is not None and len(cell.picks):
            shared.fill(cell)


def _stop(shared: _Shared) -> None:
    if shared.process != os.getpid():
        return  # in a child the workers are gone, and one of them may have held the lock
    with shared.changed:
        shared.stopped = True
        shared.changed.notify_all()


class Prefetched(Iterator[Sequence[Made]]):
    """Batches made ahead by daemon threads, which hold no reference to this object: dropping it stops them. The next
    one comes alone, or with those that were made together with it.

    Each worker is at most `ahead` batches ahead. The consumer makes a batch itself rather than wait for one. Batches
    that prove to be quick to make come in blocks of `most` from one worker, several at once by `make_many`, where that
    is given; where `most` is 1 the consumer makes them. `together`: what `make_many` gives is not taken apart.
    """

    def __init__(
        self,
        make: Callable[[Pick], Any],
        picks: Iterator[Picks],
        workers: int,
        ahead: int,
        make_many: Callable[[JoinedPicks], list[Block]] | None = None,
        pace: Pace = Pace(),  # noqa: B008 - a constant
        most: int = MOST_AT_ONCE,
        together: bool = False,
    ) -> None:
        self._shared = _Shared(make, picks, workers * ahead, make_many, pace, most, together)
        self._error: Exception | None = None
        self._close = weakref.finalize(self, _stop, self._shared)
        self._started = False
        if not self._shared.quick:
            self._start(workers)

    def _start(self, workers: int) -> None:
        for number in range(workers):
            threading.Thread(target=_work, args=(self._shared,), name=f"loader-{number}", daemon=True).start()
        self._started = True

    @property
    def pace(self) -> Pace:
        """What was found about batches so far."""
        return self._shared.pace

    def __next__(self) -> Sequence[Made]:
        # One function where something is there: calls out of cold caches take as long as some small steps.
        shared = self._shared
        while self._error is None:
            results = shared.results
            # Without the lock, which a worker may hold while it waits for Python's: only the consumer takes away.
            if not (results and results[0].done):
                self._wait()
            cell = results.popleft()
            shared.given += len(cell.picks)
            if shared.block_worker is not None:
                shared.spent.append(cell)
            if shared.waiting and not (shared.quick and results):
                with shared.changed:
                    shared.changed.notify_all()
            self._error = cell.error
            if cell.made:
                return cell.made
        self.close()
        raise self._error

    def _wait(self) -> None:
        """Until there is a result, which the consumer makes where no worker does."""
        shared = self._shared
        few = shared.most == 1 or shared.taken < 2 * _TRIALS  # to start a thread takes longer than some quick batches
        if not self._started and not few:
            self._start(1)
        while not (shared.results and shared.results[0].done):
            with shared.changed:
                if shared.results and shared.results[0].done:
                    return
                shared.changed.notify_all()
                if not shared.results and (shared.exhausted or shared.stopped):
                    raise StopIteration
                if not shared.wanted:
                    shared.changed.wait()
                    continue
            with shared.choosing:
                with shared.changed:
                    mine = shared.reserve() if shared.wanted else None
                if mine is not None:
                    shared.choose(mine)
            if mine is not None and len(mine.picks):
                shared.fill(mine)

    @property
    def here(self) -> bool:
        """Whether the workers are in this process: after a fork, the child has none of them."""
        return self._shared.process == os.getpid()

    def expect(self, count: int) -> bool:
        """Know that so many batches are asked for from here on (0: unknown). Gives whether the workers are here."""
        shared = self._shared
        if count:
            shared.turn = (shared.given + count, count)  # at once, so that it needs no lock
        return shared.process == os.getpid()

    def close(self) -> None:
        self._close()
