"""Logs as lines of JSON on standard error. Nothing that a request holds is written: no body, query, token or reason."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

LOGGER = logging.getLogger("powertrain.serve")
_UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


_JSON = json.JSONEncoder(default=str, allow_nan=False)


@functools.lru_cache(maxsize=4)
def _second(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))


class Lines(logging.Formatter):
    """One object a line. An exception gives its kind and where it was raised, not its text, which may hold values."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            said["error"] = type(error).__name__
            said["at"] = [f"{one.filename}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)[-8:]]
        return _JSON.encode(said)


@contextlib.contextmanager
def on_standard_error(level: int = logging.INFO) -> Iterator[None]:
    """Send the lines of this server, and those of uvicorn, to standard error, for the length of a block."""
    handler = logging.StreamHandler()
    handler.setFormatter(Lines())
    before = LOGGER.handlers, LOGGER.propagate, LOGGER.level
    LOGGER.handlers, LOGGER.propagate = [handler], False
    LOGGER.setLevel(level)
    for name in _UVICORN:
        theirs = logging.getLogger(name)
        theirs.handlers, theirs.propagate = ([handler] if name == "uvicorn" else []), name != "uvicorn"
        theirs.setLevel(logging.WARNING)
    try:
        yield
    finally:
        LOGGER.handlers, LOGGER.propagate, was = before
        LOGGER.setLevel(was)
        logging.getLogger("uvicorn").handlers = []


def log(event: str, level: int = logging.INFO, **fields: Any) -> None:
    # Made here: `LOGGER.log` looks through the stack for who calls, which no line says.
    if LOGGER.isEnabledFor(level):
        record = LOGGER.makeRecord(LOGGER.name, level, "", 0, event, (), None, extra={"fields": fields})
        LOGGER.handle(record)


def quietly(function: Callable[..., object], *given: Any) -> None:
    """Call what only watches. An error of it stands in the log, and fails neither a request nor a thread."""
    try:
        function(*given)
    except Exception:
        LOGGER.exception("fault")
