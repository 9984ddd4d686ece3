"""The same call in another folder and at another time: what a plugin gives may depend on neither."""

from __future__ import annotations

import datetime
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LATER = 86_400 * 100 + 12_345.678  # seconds: another second, hour, weekday and month


class _LaterDay(datetime.date):
    @classmethod
    def today(cls) -> Any:
        return _DAY.fromtimestamp(time.time())


class _LaterMoment(datetime.datetime):
    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return _MOMENT.fromtimestamp(time.time(), tz)

    @classmethod
    def today(cls) -> Any:
        return _MOMENT.fromtimestamp(time.time())

    @classmethod
    def utcnow(cls) -> Any:
        return _MOMENT.fromtimestamp(time.time(), datetime.timezone.utc).replace(tzinfo=None)


_DAY, _MOMENT = datetime.date, datetime.datetime


@contextmanager
def elsewhere(*modules: Any) -> Iterator[None]:
    """Run a block in an empty folder, a hundred days later; also for names that `modules` imported from the clocks."""
    seconds, nanoseconds, local = time.time, time.time_ns, time.localtime
    changes: dict[Any, Any] = {
        seconds: lambda: seconds() + LATER,
        nanoseconds: lambda: nanoseconds() + int(LATER * 1e9),
        local: lambda at=None: local(time.time() if at is None else at),
        _DAY: _LaterDay,
        _MOMENT: _LaterMoment,
    }
    places: list[tuple[Any, str, Any]] = []
    for module in (time, datetime, *modules):
        for name, value in list(vars(module).items()):
            if any(value is known for known in changes):
                places.append((module, name, value))
    folder = os.getcwd()  # noqa: PTH109 - the folder as it is, which need not exist any more
    with tempfile.TemporaryDirectory() as other:
        try:
            os.chdir(other)
            for module, name, value in places:
                setattr(module, name, changes[value])
            yield
        finally:
            for module, name, value in places:
                setattr(module, name, value)
            os.chdir(folder)
