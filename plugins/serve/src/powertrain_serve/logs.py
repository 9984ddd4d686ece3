"""Logs as lines of JSON on standard error. Nothing that a request holds is written: no body, query, token or reason."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from powertrain_serve.later import Answered

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


class _OnStandardError(logging.StreamHandler):  # type: ignore[type-arg]
    def write(self, lines: str) -> None:
        """Write lines that are made already."""
        self.acquire()
        try:
            self.stream.write(lines)
            self.flush()
        finally:
            self.release()


@contextlib.contextmanager
def on_standard_error(level: int = logging.INFO) -> Iterator[None]:
    """Send the lines of this server, and those of uvicorn, to standard error, for the length of a block."""
    handler = _OnStandardError()
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


_UNSAID = {
    "args": (), "exc_info": None, "exc_text": None, "stack_info": None, "pathname": "", "filename": "", "module": "",
    "lineno": 0, "funcName": "", "relativeCreated": 0.0, "thread": None, "threadName": None, "process": None,
    "processName": None, "taskName": None,
}  # fmt: skip


class Said(logging.LogRecord):
    """A record without the thread, the process and the caller, which no line says: to find them takes longer than to
    write the line."""

    def __init__(self, event: str, level: int, fields: Mapping[str, Any], at: float | None = None) -> None:
        self.__dict__.update(_UNSAID)
        self.name, self.msg, self.fields = LOGGER.name, event, fields
        self.levelno, self.levelname = level, logging.getLevelName(level)
        self.created = time.time() if at is None else at
        self.msecs = self.created % 1 * 1000


def log(event: str, level: int = logging.INFO, **fields: Any) -> None:
    if LOGGER.isEnabledFor(level):
        LOGGER.handle(Said(event, level, fields))


def log_requests(answered: Sequence[Answered]) -> None:
    """The log lines of requests that were answered, each with its own time. To our own handler they go in one write."""
    if not LOGGER.isEnabledFor(logging.INFO):
        return
    shift = time.time() - time.monotonic()
    handlers = LOGGER.handlers
    if len(handlers) == 1 and type(handlers[0]) is _OnStandardError and not LOGGER.propagate and not LOGGER.filters:
        handlers[0].write("".join([_line(one, one.ended + shift) for one in answered]))
        return
    for one in answered:
        LOGGER.handle(Said("request", logging.INFO, _fields(one), one.ended + shift))


def _fields(one: Answered) -> dict[str, Any]:
    known = one.known
    return {
        "id": one.id, "method": known.scope["method"], "route": known.route, "status": 200,
        "seconds": round(one.ended - one.began, 6), "model": known.model.name, "version": known.model.version,
        "examples": len(one.given.examples),
    }  # fmt: skip


def _line(one: Answered, at: float) -> str:
    """What `Lines` makes of such a request: an id has only letters that JSON takes as they are."""
    second, known = int(at), one.known
    return (
        f'{{"time": "{_second(second)}.{int((at - second) * 1000):03}Z", "level": "info", "event": "request", '
        f'"id": "{one.id}", "method": "{known.scope["method"]}", "route": "{known.route}", "status": 200, '
        f'"seconds": {round(one.ended - one.began, 6)!r}, {_names(known.model.name, known.model.version)}, '
        f'"examples": {len(one.given.examples)}}}\n'
    )


@functools.lru_cache(maxsize=64)
def _names(model: str, version: str) -> str:
    return f'"model": {_JSON.encode(model)}, "version": {_JSON.encode(version)}'


def quietly(function: Callable[..., object], *given: Any) -> None:
    """Call what only watches. An error of it stands in the log, and fails neither a request nor a thread."""
    try:
        function(*given)
    except Exception:
        LOGGER.exception("fault")
