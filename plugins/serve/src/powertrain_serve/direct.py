"""Answers what is asked most without a task of its own: examples for a quick model, in a request that came whole.

The event loop computes all of them that were read in one of its turns together, and writes their answers. One whose
head is known, while nothing else waits, it answers in the very call that brings its bytes. What is unusual is left to
the application, which answers every request and says what is wrong with it: this only looks whether it may take one.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from powertrain_serve.answers import Answers
from powertrain_serve.batching import Job
from powertrain_serve.connection import Whole
from powertrain_serve.context import Context
from powertrain_serve.guard import Guard, headers_of
from powertrain_serve.known import END, Known
from powertrain_serve.later import Answered
from powertrain_serve.logs import LOGGER
from powertrain_serve.predict_api import KIND, Json
from powertrain_serve.refusals import refusal
from powertrain_serve.routing import Routes, fault
from powertrain_serve.service import FEW, SMALL, Asking, Service, refused_by

PATHS = 64  # that are kept, with what answers them: a client asks for the same ones
_LAST = (b"connection", b"close")  # with what ends it


class Direct:
    """Takes requests, as the `direct` of a server."""

    def __init__(self, service: Service, guard: Guard, routes: Routes) -> None:
        self.service, self.guard = service, guard
        limits = service.settings.limits
        self._most_bytes, self._most_examples = min(SMALL, limits.body), min(FEW, limits.batch)
        self._found = functools.lru_cache(PATHS)(routes.find)

    def known(self, protocol: Any, data: bytes) -> bool:
        """Take a request whose head is known. It is answered at once where nothing else waits in this turn of the loop;
        else together with what does."""
        end, service = data.find(END), self.service
        known = service.heads.find(data[:end])
        if known is None or end < 0 or len(data) - end - len(END) != known.length:
            return False
        if known.table is not service.loader.table or service.worker.closed:
            return False
        model, loop, began = known.model, protocol.loop, time.monotonic()
        try:
            given = known.asking.parsed(model, data[end + len(END) :])
            if len(given.examples) > self._most_examples:
                return False
            if not service.alone(loop):
                service.together(KnownReply(self, known, given, began).job(protocol))
                return True
            computing = time.monotonic()
            answers = Answers([model.answers(given.examples)])
            took, id = time.monotonic() - computing, service.ids.next()
            head, body = self.written(known, given, answers, id)
        except Exception:  # the application comes to the same, and says it
            return False
        protocol.answered(b"%b\r\n%b" % (head, body))
        service.later.add(Answered(known, id, began, given, answers, took), loop)
        return True

    def written(self, known: Known, given: Any, answers: Answers, id: str) -> tuple[bytes, bytes]:
        """The head and the body of an answer to a request whose head is known."""
        response = known.asking.written(known.model, given, answers)
        body: bytes = response.body
        if type(response) is Json and response.usual:
            return _USUAL % (len(body), id.encode()), body
        return _head(response.status_code, headers_of(response.raw_headers, id)), body

    def __call__(self, request: Whole) -> bool:
        """Take a request, where it is usual; its answer is sent in the next turn of the loop."""
        scope, service = request.scope, self.service
        found = self._found(scope["path"])
        if found is None or len(request.body) > self._most_bytes:
            return False
        route, path = found
        if route.asking is None or scope["method"] not in route.methods:
            return False
        context = self.guard.received(scope)
        if b"content-encoding" in context.headers or self.guard.refused(scope, context.headers) is not None:
            return False
        table = service.loader.table  # before the choice: what is kept of it is at worst too old
        try:
            asking = route.asking(context, path)
            _, model = service.choose(context, asking)
            if not model.quick or asking.file or service.worker.closed:
                return False
            given = asking.parsed(model, request.body)
        except Exception:  # the application comes to the same, and says it
            return False
        if len(given.examples) > self._most_examples:
            return False
        scope["endpoint"], context.examples = route.endpoint, len(given.examples)
        if request.came:
            service.heads.keep(request, context, asking, table)
        service.together(Job(model, given.examples, context.deadline, Reply(self, request, context, asking, given)))
        return True


class _Waiting:
    """A request whose answer is computed: with the two that set it, it has the methods of concurrent.futures.Future
    that the engine calls."""

    __slots__ = ("_request",)
    _request: Whole

    def cancelled(self) -> bool:
        return False  # who has gone is counted and logged all the same

    def done(self) -> bool:
        return self._request.response_complete

    def set_running_or_notify_cancel(self) -> bool:
        return True


class Reply(_Waiting):
    """What a job tells its outcome."""

    def __init__(self, direct: Direct, request: Whole, context: Context, asking: Asking, given: Any) -> None:
        self._direct, self._request, self._context = direct, request, context
        self._asking, self._given = asking, given

    def set_result(self, parts: list[Any]) -> None:
        answers = Answers(parts)
        try:
            response = self._asking.written(self._context.chosen[1], self._given, answers)  # type: ignore[index]
        except Exception as error:
            self.set_exception(error)
            return
        self._direct.service.answered(self._context, self._asking, self._given, answers, len(self._request.body))
        self._send(response)

    def set_exception(self, error: BaseException) -> None:
        refused, path = refused_by(error), self._request.scope["path"]
        if refused is None:
            LOGGER.error("fault", exc_info=error)  # where; of a task uvicorn says it
        self._send(fault(self._context, error, path) if refused is None else refusal(refused, path))

    def _send(self, response: Response) -> None:
        request, context, direct = self._request, self._context, self._direct
        context.status = response.status_code
        headers = headers_of(response.raw_headers, context.id)
        if _LAST in headers:
            headers.remove(_LAST)
            request.keep_alive = False
        request.answer(_head(response.status_code, headers), response.body)
        direct.service.afterwards(functools.partial(direct.guard.told, request.scope, context))


class KnownReply(_Waiting):
    """The same for a request whose head is known. Only an error needs all that a reply usually has."""

    __slots__ = ("_began", "_direct", "_given", "_known")

    def __init__(self, direct: Direct, known: Known, given: Any, began: float) -> None:
        self._direct, self._known, self._given, self._began = direct, known, given, began

    def job(self, protocol: Any) -> Job:
        """Begin to wait for the answer."""
        self._request = Whole(protocol, {**self._known.scope}, b"")
        protocol.begun(self._request)
        deadline = self._began + self._direct.service.settings.limits.seconds
        return Job(self._known.model, self._given.examples, deadline, self)

    def set_result(self, parts: list[Any]) -> None:
        service, answers = self._direct.service, Answers(parts)
        id = service.ids.next()
        try:
            head, body = self._direct.written(self._known, self._given, answers, id)
        except Exception as error:
            self.set_exception(error)
            return
        self._request.answer(head, body)
        one = Answered(self._known, id, self._began, self._given, answers, None)
        service.later.add(one, asyncio.get_running_loop())

    def set_exception(self, error: BaseException) -> None:
        known, seconds = self._known, self._direct.service.settings.limits.seconds
        context = Context(self._direct.service.ids.next(), self._began, self._began + seconds)
        context.model, context.version = known.model.name, known.model.version
        context.examples = len(self._given.examples)
        Reply(self._direct, self._request, context, known.asking, self._given).set_exception(error)


def _head(status: int, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The lines of a head, but for the empty one."""
    return b"".join((STATUS_LINE[status], *[b"%b: %b\r\n" % one for one in headers]))


# That of most answers, to be filled with the length of the body and the name of the request.
_USUAL = _head(200, headers_of([(b"content-length", b"%d"), KIND], "%b"))
