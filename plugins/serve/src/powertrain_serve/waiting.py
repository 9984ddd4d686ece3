"""What tasks of the event loop wait for: answers of the engine's thread, and a moment at which they give up."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from types import TracebackType
from typing import Any


class Outbox:
    """Brings what the engine's thread has for tasks to their loop, all of a batch at once: each crossing between the
    two threads costs as much as a small model's answer."""

    def __init__(self) -> None:
        self._told: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None

    def awaited(self) -> Awaited:
        """Something to wait for; in the loop."""
        self._loop = asyncio.get_running_loop()
        return Awaited(self, self._loop.create_future())

    def put(self, future: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
        self._told.append((future, value, error))

    def flush(self) -> None:
        """Send what was put; in the engine's thread."""
        if self._told and self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self.deliver)
            except RuntimeError:  # the loop has ended, and with it who asked
                self._told.clear()

    def deliver(self) -> None:
        """Give what was put to those who wait; in the loop."""
        while self._told:
            future, value, error = self._told.popleft()
            if future.done():  # nobody waits any more
                continue
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)


class Awaited:
    """The engine's end of a future of the loop, with the methods of concurrent.futures.Future that the engine calls."""

    def __init__(self, outbox: Outbox, future: asyncio.Future[Any]) -> None:
        self._outbox, self.future, self._ended = outbox, future, False

    def cancelled(self) -> bool:
        return self.future.cancelled()

    def done(self) -> bool:
        return self._ended or self.future.done()

    def set_running_or_notify_cancel(self) -> bool:
        return not self.future.cancelled()

    def set_result(self, value: Any) -> None:
        self._ended = True
        self._outbox.put(self.future, value, None)

    def set_exception(self, error: BaseException) -> None:
        self._ended = True
        self._outbox.put(self.future, None, error)


class Deadlines:
    """Blocks of one loop that end with asyncio.TimeoutError where they are not done in time. One timer serves them all:
    it is set for the first that may be late, and seldom fires."""

    def __init__(self) -> None:
        self._open: dict[Until, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._at = 0.0  # when the timer fires, by time.monotonic

    def until(self, deadline: float) -> Until:
        """`with deadlines.until(deadline)`, by time.monotonic, in a task. asyncio.wait_for makes a task for each
        coroutine, and asyncio.timeout is not in Python 3.10."""
        return Until(self, deadline)

    def add(self, one: Until) -> None:
        self._open[one] = None
        if self._timer is None or one.deadline < self._at:
            self._set(one.deadline)

    def remove(self, one: Until) -> None:
        self._open.pop(one, None)

    def _set(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._at = at
        self._timer = asyncio.get_running_loop().call_later(max(0.0, at - time.monotonic()), self._look)

    def _look(self) -> None:
        self._timer = None
        now = time.monotonic()
        for one in [one for one in self._open if one.deadline <= now]:
            self.remove(one)
            one.end()
        if self._open:
            self._set(min(one.deadline for one in self._open))


class Until:
    """A block that may be late; `Deadlines.until` makes it."""

    def __init__(self, deadlines: Deadlines, deadline: float) -> None:
        self.deadline = deadline
        self._deadlines, self._late = deadlines, False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._deadlines.add(self)

    def end(self) -> None:
        self._late = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.remove(self)
        if self._late and kind is not None and issubclass(kind, asyncio.CancelledError):
            if hasattr(self._task, "uncancel"):  # from Python 3.11 on a task counts them
                self._task.uncancel()
            raise asyncio.TimeoutError from None
