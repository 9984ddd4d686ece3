"""What stands before every route: who asks, for which host, how long it may take; and a log line for each request."""

from __future__ import annotations

import functools
import hmac
import itertools
import os
import re
import time
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from powertrain_serve.context import Context
from powertrain_serve.errors import RefusedError
from powertrain_serve.logs import log, quietly
from powertrain_serve.protocol import EXTRA
from powertrain_serve.refusals import refusal
from powertrain_serve.service import Service
from powertrain_serve.settings import MOST_HEAD, is_local

# What anybody may ask: whether the server lives.
OPEN = ("/v2/health/live", "/v2/health/ready")
_READING = ("GET", "HEAD")  # methods that change nothing; no page may read answers of another site
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_HEADERS = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]


class Guard:
    """An ASGI application around another one."""

    def __init__(self, app: Any, service: Service) -> None:
        self.app, self.service = app, service
        self._token, self._local = service.settings.token.encode(), service.settings.local

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        context = scope.get("powertrain") or self.received(scope)
        self.service.later.flush()  # whoever asks for counts or sends labels finds what was answered before

        def answering(message: MutableMapping[str, Any]) -> Any:
            if message["type"] == "http.response.start":
                context.status = message["status"]
                message = {**message, "headers": headers_of(message["headers"], context.id)}
            return send(message)

        try:
            refused = self.refused(scope, context.headers)
            if refused is None:
                await self.app(scope, receive, answering)
            else:
                await refusal(refused, scope["path"])(scope, receive, answering)
        finally:
            self.told(scope, context)

    def received(self, scope: MutableMapping[str, Any]) -> Context:
        """What is known of a request by its head; the scope keeps it."""
        now = time.monotonic()
        headers = dict(reversed(scope["headers"]))  # the first of each name counts
        context = Context(_id_of(headers), now, now + self.service.settings.limits.seconds, headers)
        scope["powertrain"] = context
        return context

    def refused(self, scope: MutableMapping[str, Any], headers: Mapping[bytes, bytes]) -> RefusedError | None:
        """Why a request is not let in, by its head; None where it is."""
        lines = scope["headers"]
        if sum(map(len, itertools.chain.from_iterable(lines))) + 4 * len(lines) > MOST_HEAD:
            return RefusedError(431, f"more than {MOST_HEAD:,} bytes of headers; expected fewer; send fewer headers")
        if scope["path"] in OPEN:
            return None
        if self._token:
            given = headers.get(b"authorization", b"")
            kind, _, token = given.partition(b" ")
            if kind.lower() != b"bearer" or not hmac.compare_digest(token.strip(), self._token):
                return RefusedError(
                    401, "no valid token; expected Authorization: Bearer TOKEN; send the server's token"
                )
        elif self._local and not of_here(headers.get(b"host", b"")):
            # A page in a browser could otherwise reach this server by a name of its own for this machine.
            return RefusedError(
                421, "the Host header names another machine; expected localhost; use that name in the address"
            )
        if not self._token and scope["method"] not in _READING and _of_another_site(headers):
            # Browsers send such requests without asking first; a page cannot add a token to them.
            return RefusedError(
                403, "a request from a page of another site; expected none; send it from a program, not a browser"
            )
        # Who was here before the others came is answered.
        if scope.get(EXTRA) and self.service.connections > self.service.settings.limits.connections:
            return RefusedError(503, "too many connections; expected fewer; send the request again", retry_after=1)
        return None

    def told(self, scope: MutableMapping[str, Any], context: Context) -> None:
        """Do what could wait until a request was answered: the monitor, the counts, the log line."""
        route, status = _route_of(scope), context.status or 500
        seconds = time.monotonic() - context.began
        for function in context.later:
            quietly(function)
        context.later, context.chosen = [], None  # a connection keeps its last request, which must keep no model
        quietly(self.service.metrics.requests, route, status, [seconds])
        log(
            "request", id=context.id, method=scope["method"][:16], route=route, status=status,
            seconds=round(seconds, 6), model=context.model, version=context.version, examples=context.examples,
        )  # fmt: skip


def headers_of(given: Sequence[tuple[bytes, bytes]], id: str) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, with those that each has."""
    return [*given, *_HEADERS, (b"x-request-id", id.encode())]


def _route_of(scope: MutableMapping[str, Any]) -> str:
    """The name of the route's function: paths as strangers write them would be endless in logs and metrics."""
    return str(getattr(scope.get("endpoint"), "__name__", "other"))


def _id_of(headers: dict[bytes, bytes]) -> str:
    """The sender's name of the request, where it is a plain one."""
    given = headers.get(b"x-request-id")
    return given.decode("ascii") if given is not None and _ID.fullmatch(given) else os.urandom(16).hex()


@functools.lru_cache(maxsize=64)
def of_here(host: bytes) -> bool:
    """Whether a Host header names this machine."""
    name = host.decode("latin-1")
    name = name.partition("]")[0] + "]" if name.startswith("[") else name.partition(":")[0]
    return is_local(name)


def _of_another_site(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser says that a page of another site asks. Programs send neither of these headers."""
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site not in (b"same-origin", b"none")
    origin, host = headers.get(b"origin"), headers.get(b"host", b"")
    return origin is not None and origin not in (b"http://" + host, b"https://" + host)
