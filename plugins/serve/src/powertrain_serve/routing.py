"""Which function answers a path, and what becomes of errors.

Starlette's own router asks one route after another, and sends each request through four wrappers that look for errors.
For a small model that takes as long as its answer; so this server uses Starlette's requests and responses alone.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from powertrain_serve.context import Context, context_of
from powertrain_serve.errors import RefusedError
from powertrain_serve.logs import log
from powertrain_serve.predict_api import answer
from powertrain_serve.refusals import problem, refusal
from powertrain_serve.service import Asking

Endpoint = Callable[[Request], Awaitable[Response]]
AskingOf = Callable[[Context, Mapping[str, str]], Asking]
_READING = ("GET", "HEAD")
_CHANGING = ("POST",)


class Route(NamedTuple):
    """A path, with `{name}` for any text without a slash, and what answers it; of one for answers to examples, also
    how its requests are read and answered."""

    path: str
    endpoint: Endpoint
    methods: tuple[str, ...] = _READING
    asking: AskingOf | None = None

    @property
    def pattern(self) -> re.Pattern[str]:
        parts = re.split(r"\{(\w+)\}", self.path)
        return re.compile("".join(f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts)))


def post(path: str, endpoint: Endpoint, asking: AskingOf | None = None) -> Route:
    return Route(path, endpoint, _CHANGING, asking)


class Routes:
    """The routes of an application.

    >>> async def page(request): ...
    >>> Routes([Route("/models/{name}", page)]).find("/models/digits")[1]
    {'name': 'digits'}
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._whole = {route.path: route for route in routes if "{" not in route.path}
        self._patterns = [(route.pattern, route) for route in routes if "{" in route.path]

    def find(self, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route of a path, and what its names stand for."""
        route = self._whole.get(path)
        if route is not None:
            return route, {}
        for pattern, route in self._patterns:
            found = pattern.fullmatch(path)
            if found is not None:
                return route, found.groupdict()
        return None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answer a request of HTTP, as an ASGI application does."""
        request = Request(scope, receive, send)
        try:
            response = await self._answer(request)
            await response(scope, receive, send)
        except Exception as error:  # of ours; the server's log says where
            context = context_of(request)
            said = fault(context, error, scope["path"])
            if not context.status:
                await said(scope, receive, send)
            raise

    async def _answer(self, request: Request) -> Response:
        scope = request.scope
        found = self.find(scope["path"])
        if found is None:
            return _problem(request, 404, "Not Found; see /docs")
        route, scope["path_params"] = found
        scope["endpoint"] = route.endpoint
        if scope["method"] not in route.methods:
            return _problem(request, 405, "Method Not Allowed; see /docs", {"Allow": ", ".join(route.methods)})
        try:
            return await route.endpoint(request)
        except RefusedError as refused:
            return refusal(refused, scope["path"])


def fault(context: Context, error: BaseException, path: str) -> Response:
    """The answer to a request that met a fault of ours, which the log has."""
    log("fault", 40, id=context.id, error=type(error).__name__)
    return answer(problem(f"a fault of the server; its log says more under {context.id}", 500, path), 500)


def _problem(request: Request, status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    return answer(problem(reason, status, request.scope["path"]), status, headers)
