"""The server of `powertrain watch`: who may see the page, and what answers each path. The engine says what is shown."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, Router

from powertrain_serve.guard import of_here
from powertrain_serve.listening import bound_socket, handling, server
from powertrain_serve.settings import Limits, Settings

LOOK_SECONDS = 1.0  # between two looks at the folders
LIMITS = Limits(connections=64, seconds=600, grace=2)
HEADERS = {
    "content-security-policy": "default-src 'none'; img-src data: 'self'; media-src 'self'; script-src 'self'; "
    "style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-store", "cross-origin-resource-policy": "same-origin", "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}  # fmt: skip


class Page(Protocol):
    """What is shown: files by their paths, each with its kind, and JSON texts and samples, which threads ask for."""

    files: Mapping[str, tuple[str, str]]

    def runs(self) -> str: ...
    def load(self) -> str: ...
    def run(self, id: str) -> str | None: ...
    def samples(self, id: str, name: str) -> tuple[str, bytes] | None: ...


def serve_live(page: Page, port: int, opened: Callable[[str], None]) -> None:
    """Answer until a signal asks for the end. `opened` is given the address, which holds a token made for this time."""
    token = secrets.token_urlsafe(24)
    live = LiveServer(page, token, port)
    bound, made = bound_socket(live.settings, "watch"), server(live, live)
    with bound, handling(made):
        host, port = bound.getsockname()[:2]
        opened(f"http://{host}:{port}/{token}/")
        made.run(sockets=[bound])


class LiveServer:
    """An ASGI application, and what a server must know of it: a `Served`."""

    def __init__(self, page: Page, token: str, port: int) -> None:
        self._page, self._token = page, token.encode()
        self.settings = Settings(port=port, limits=LIMITS)
        self.connections, self.asked = 0, 0
        self.stopping = False
        self._looked, self._found = 0.0, ("", "")  # when, and what was found then
        self._looking = asyncio.Lock()
        files = [Route(path, _file(kind, text)) for path, (kind, text) in page.files.items()]
        samples = Route("/runs/{id}/samples/{name}", self._samples)
        self._router = Router([*files, Route("/events", self._events), Route("/runs/{id}", self._run), samples])

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._router(scope, receive, send)
            return
        answer: Any = self._router
        token = scope["path"].removeprefix("/").partition("/")[0]
        if not of_here(dict(scope["headers"]).get(b"host", b"")):
            # The page of another site could otherwise reach this server by a name of its own for this machine.
            answer = _refusal(
                421, "the Host header names another machine; expected localhost; use that name in the address"
            )
        elif not hmac.compare_digest(token.encode("utf-8", "replace"), self._token):
            answer = _refusal(403, "no valid token; expected the address that powertrain watch printed; open that one")
        else:
            scope = {**scope, "root_path": f"/{token}"}
        await answer(scope, receive, send)

    async def _run(self, request: Request) -> Response:
        found = await asyncio.to_thread(self._page.run, request.path_params["id"])
        if found is None:
            return _refusal(404, "no such run; expected one that the page lists; it may have been removed")
        return Response(found, media_type="application/json", headers=HEADERS)

    async def _samples(self, request: Request) -> Response:
        found = await asyncio.to_thread(self._page.samples, request.path_params["id"], request.path_params["name"])
        if found is None:
            return _refusal(404, "no such samples; expected some that the page lists; the run may have dropped them")
        return Response(found[1], media_type=found[0], headers=HEADERS)

    async def _events(self, request: Request) -> Response:
        headers = {**HEADERS, "x-accel-buffering": "no"}
        return StreamingResponse(self._changes(), media_type="text/event-stream", headers=headers)

    async def _changes(self) -> AsyncIterator[str]:
        """What changes, as events, until the server ends; after some minutes the page asks again."""
        until = time.monotonic() + self.settings.limits.seconds
        told = ""
        while not self.stopping and time.monotonic() < until:
            runs, load = await self._look()
            if runs != told:
                told = runs
                yield f"event: runs\ndata: {runs}\n\n"
            yield f"event: load\ndata: {load}\n\n"
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> tuple[str, str]:
        """The runs and the load, looked up once for all pages that are open."""
        async with self._looking:
            if time.monotonic() - self._looked >= LOOK_SECONDS / 2:
                self._found = await asyncio.to_thread(lambda: (self._page.runs(), self._page.load()))
                self._looked = time.monotonic()
        return self._found


def _file(kind: str, text: str) -> Any:
    async def answer(request: Request) -> Response:
        return Response(text, media_type=kind, headers=HEADERS)

    return answer


def _refusal(status: int, reason: str) -> Response:
    return PlainTextResponse(reason + "\n", status, {**HEADERS, "connection": "close"})
