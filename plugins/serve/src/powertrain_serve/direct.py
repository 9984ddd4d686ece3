"""Answers what is asked most without a task of its own: examples for a quick model, in a request that came whole.

The event loop computes all of them that were read in one of its turns together, and writes their answers. What is
unusual is left to the application, which answers every request and says what is wrong with it: this only looks whether
it may take one.
"""

from __future__ import annotations

import functools
from typing import Any

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from powertrain_serve.answers import Answers
from powertrain_serve.batching import Job
from powertrain_serve.connection import Whole
from powertrain_serve.context import Context
from powertrain_serve.guard import Guard
from powertrain_serve.logs import LOGGER
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
        service.together(Job(model, given.examples, context.deadline, Reply(self, request, context, asking, given)))
        return True


class Reply:
    """What a job tells its outcome: it has the methods of concurrent.futures.Future that the engine calls."""

    def __init__(self, direct: Direct, request: Whole, context: Context, asking: Asking, given: Any) -> None:
        self._direct, self._request, self._context = direct, request, context
        self._asking, self._given = asking, given

    def cancelled(self) -> bool:
        return False  # who has gone is counted and logged all the same

    def done(self) -> bool:
        return self._request.response_complete

    def set_running_or_notify_cancel(self) -> bool:
        return True

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
        headers = direct.guard.headers(response.raw_headers, context)
        if _LAST in headers:
            headers.remove(_LAST)
            request.keep_alive = False
        lines = [b"%b: %b\r\n" % one for one in headers]
        request.answer(b"".join((STATUS_LINE[response.status_code], *lines)), response.body)
        direct.service.afterwards(functools.partial(direct.guard.told, request.scope, context))
