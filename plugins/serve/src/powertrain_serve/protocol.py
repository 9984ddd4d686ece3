"""uvicorn's protocol on httptools, with limits: a connection that says nothing, or a byte a minute, is not kept.

uvicorn ends a connection that idles between two requests. It waits without end for the first one, for the rest of a
head, and for a client that does not take its answer. A head may grow without end, and so may requests that wait behind
one that is being answered. httptools takes what RFC 9112 forbids: no host, two hosts, HTTP/0.9.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from powertrain_serve.settings import MOST_HEAD, Served

# Bytes that are parsed at once. So few requests are made of what comes before the first of them is answered.
PIECE = 8 << 10
LARGE = 64 << 10  # bytes of a body that are not worth a copy
_LATE = (
    "408 Request Timeout",
    "the head of the request did not arrive in time; expected it sooner; send the request again",
)
_BROKEN = ("400 Bad Request", "the bytes are not an HTTP/1.1 request; expected one; use an HTTP client")
_LONG = (
    "431 Request Header Fields Too Large", f"a head of more than {MOST_HEAD:,} bytes; expected fewer; send fewer"
)  # fmt: skip


class MalformedError(Exception):
    """A head that httptools takes, and nobody should."""


class Joined:
    """The transport of one answer, which sends the head with the first bytes of the body: one call of the system and
    one packet. A head whose body is not there in the same turn of the loop goes alone."""

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._head: bytes | None = None
        self._begun = False  # whether the head was written

    def write(self, data: bytes) -> None:
        if not self._begun and not data.startswith(b"HTTP/1.1 100 "):
            self._begun, self._head = True, data
            self._loop.call_soon(self.flush)
        elif self._head is not None and len(data) <= LARGE:
            self._transport.write(self._head + data)
            self._head = None
        else:
            self.flush()
            self._transport.write(data)

    def flush(self) -> None:
        if self._head is not None:
            self._transport.write(self._head)
            self._head = None

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return bool(self._transport.is_closing())


class Flow(FlowControl):  # type: ignore[misc]
    """Reads no more of a connection while something of it waits. uvicorn would read on with each request."""

    def __init__(self, transport: Any, protocol: Any) -> None:
        super().__init__(transport)
        self._protocol = protocol

    def resume_reading(self) -> None:
        if not self._protocol.held_up():
            super().resume_reading()


def _lose(cycle: Any) -> None:
    """Tell who answers a request that nobody waits for it."""
    cycle.disconnected = True
    cycle.message_event.set()


def timed(served: Served) -> type[asyncio.Protocol]:
    """The protocol with the limits of what is served, which is told how many connections there are."""
    limits = served.settings.limits

    class Timed(HttpToolsProtocol):  # type: ignore[misc]
        _timer: Any = None  # fires at `_due` or before, and then looks again: to set one for each request costs more
        _due, _action = 0.0, None
        _plain = 0  # bytes since the last ones of a body, or the end of a request
        _gained = False  # whether the last bytes had some of these
        _begun = False  # whether a request is being read
        _heading = False  # and its head
        _again = False  # the parser is told again of a head that was read
        _open = 0  # requests that were read, or at least their heads, and are not answered
        _active: Any = None  # the one that is being answered
        _rest = b""  # what came behind requests that wait
        _broken: tuple[str, str] | None = None  # why no request can follow those that are open

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.flow = Flow(transport, self)
            served.connections = len(self.connections)
            if served.connections > 2 * limits.connections:  # up to here they are told to come back
                transport.abort()
            else:
                self._arm(limits.header_seconds, self._late)

        def connection_lost(self, exc: Exception | None) -> None:
            self._disarm()
            if self._timer is not None:
                self._timer.cancel()
            served.connections = len(self.connections) - 1
            self._rest = b""
            self._note(-self._open)
            super().connection_lost(exc)
            self.pipeline.clear()
            if self._active is not None:  # uvicorn tells the last one that came
                _lose(self._active)

        # ------------------------------------------------------------ what comes

        def data_received(self, data: bytes) -> None:
            self._parse(self._rest + data)
            if self._answers():
                if self._action != self._abort:
                    # The answer comes within `seconds`; to be taken it has as long again.
                    self._arm(2 * limits.seconds, self._abort)
            elif self._action is None and not self.transport.is_closing():
                self._arm(limits.header_seconds, self._late)

        def _parse(self, data: bytes) -> None:
            """Parse bytes, but for those behind requests that wait."""
            self._unset_keepalive_if_required()
            at, view, self._rest = 0, memoryview(data), b""
            while at < len(data) and self._broken is None:
                if self.pipeline:
                    self._rest = data[at:]
                    self.flow.pause_reading()
                    return
                piece = view[at : at + PIECE]
                self._gained = False
                try:
                    self.parser.feed_data(piece)
                    at += len(piece)
                except httptools.HttpParserUpgrade as asked:
                    at += int(asked.args[0])
                    self._decline()
                except httptools.HttpParserError:
                    self._fail(_BROKEN)
                    return
                self._plain = 0 if self._gained else self._plain + len(piece)
                if self._plain > MOST_HEAD:
                    self._fail(_LONG)

        def _decline(self) -> None:
            """Go on with a request that asks for another protocol, as HTTP allows. Its parser takes what follows for
            that: a new one reads the body, behind a head that says no more than how long it is."""
            framing = [one for one in self.headers if one[0] in (b"content-length", b"transfer-encoding")]
            self.parser = httptools.HttpRequestParser(self)
            self._again = True
            lines = [b"POST / HTTP/1.1", *(b"%s: %s" % one for one in framing), b"", b""]
            self.parser.feed_data(b"\r\n".join(lines))
            self._again = False

        def on_message_begin(self) -> None:
            if not self._again:
                self._begun = self._heading = True
                super().on_message_begin()

        def on_url(self, url: bytes) -> None:
            if not self._again:
                super().on_url(url)

        def on_header(self, name: bytes, value: bytes) -> None:
            if self._heading:  # what follows a body has no say
                super().on_header(name, value.rstrip(b" \t"))

        def on_headers_complete(self) -> None:
            if self._again:
                return
            version = self.parser.get_http_version()
            hosts = sum(name == b"host" for name, _ in self.headers)
            if not (version == "1.1" and hosts == 1) and not (version == "1.0" and hosts <= 1):
                raise MalformedError
            before = self.cycle
            super().on_headers_complete()
            self._heading = False
            if self.cycle is not before:
                self.cycle.transport = Joined(self.transport, self.loop)
                self._note(1)
                if self._open == 1:
                    self._active = self.cycle

        def on_body(self, body: bytes) -> None:
            self._gained = True
            super().on_body(body)

        def on_message_complete(self) -> None:
            if self.parser.should_upgrade():  # its body comes yet
                return
            self._gained, self._begun = True, False
            super().on_message_complete()

        def _fail(self, why: tuple[str, str]) -> None:
            """Nothing that follows can be understood: say so, behind the answers to what came before."""
            self.logger.warning("Invalid HTTP request received.")
            self._broken = why
            self.flow.pause_reading()
            if self._open and self._begun and not self._heading:  # the last one will never be whole
                _lose(self.cycle)
                self._note(-1)
                if self._open:
                    self.pipeline.popleft()
            if not self._open:
                self._refuse(why)

        def _refuse(self, why: tuple[str, str]) -> None:
            if self._active is None or not self._active.response_started:
                self._say(*why)
            self.transport.close()

        # ------------------------------------------------------------ what goes

        def on_response_complete(self) -> None:
            self._active.transport.flush()
            self._disarm()
            self._note(-1)
            if self._active.more_body:  # it was refused, and its body goes on
                self.transport.close()
            self._active = self.pipeline[-1][0] if self.pipeline else None
            super().on_response_complete()
            if self.transport.is_closing():
                return
            if self._broken is not None and not self._open:
                self._refuse(self._broken)
            elif self._rest and not self.pipeline:
                self._parse(self._rest)
                self.flow.resume_reading()
            if self._answers():  # the next one was here already
                self._arm(2 * limits.seconds, self._abort)

        def _note(self, more: int) -> None:
            self._open += more
            served.asked += more

        def _answers(self) -> bool:
            return self._open > 0

        def held_up(self) -> bool:
            return bool(self._rest) or self._broken is not None

        def _say(self, status: str, reason: str) -> None:
            body = json.dumps({"error": reason}, allow_nan=False)
            head = f"content-type: application/json\r\nconnection: close\r\ncontent-length: {len(body)}"
            self.transport.write(f"HTTP/1.1 {status}\r\n{head}\r\n\r\n{body}".encode())

        # ------------------------------------------------------------ time

        def _arm(self, seconds: float, action: Any) -> None:
            self._due, self._action = self.loop.time() + seconds, action
            if self._timer is not None and self._timer.when() > self._due:
                self._timer.cancel()
                self._timer = None
            if self._timer is None:
                self._timer = self.loop.call_at(self._due, self._look)

        def _disarm(self) -> None:
            self._action = None

        def _look(self) -> None:
            self._timer = None
            if self._action is None:
                return
            if self.loop.time() < self._due:
                self._timer = self.loop.call_at(self._due, self._look)
                return
            action, self._action = self._action, None
            action()

        def _late(self) -> None:
            if not self.transport.is_closing():
                if self._begun:
                    self._say(*_LATE)
                self.transport.close()

        def _abort(self) -> None:
            self.transport.abort()

    return Timed
