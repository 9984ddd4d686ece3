"""uvicorn's protocol on httptools, with limits: a connection that says nothing, or a byte a minute, is not kept.

uvicorn ends a connection that idles between two requests. It waits without end for the first one, for the rest of a
head, and for a client that does not take its answer. A head may grow without end, and so may requests that wait behind
one that is being answered. httptools takes what RFC 9112 forbids: no host, two hosts, HTTP/0.9.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from powertrain_serve.connection import BROKEN, LATE, LONG_HEAD, Flow, Joined, Whole, lose, said
from powertrain_serve.settings import MOST_HEAD, Served

# Bytes that are parsed at once. So few requests are made of what comes before the first of them is answered.
PIECE = 8 << 10
READ = 64 << 10  # and that are read at once
LONG = 16 << 10  # bytes of a body that a task reads,
SOON = 0.02  # and seconds after which it waits for the rest of any: most clients send it in the packet behind the head
EXTRA = "powertrain.extra"  # of a scope: whether there were too many connections when its own was made


class MalformedError(Exception):
    """A head that httptools takes, and nobody should."""


class Answers(Protocol):
    """Answers requests that came whole, where it can; the application answers the others."""

    def __call__(self, request: Whole) -> bool:
        """Take a request, and answer it in a later turn of the loop; or leave it."""

    def known(self, protocol: Any, data: bytes) -> bool:
        """Take what came to a connection without a request, where it is one whose head is known; or leave it."""


def timed(served: Served, direct: Answers | None = None) -> type[asyncio.Protocol]:
    """The protocol with the limits of what is served, which is told how many connections there are."""
    limits = served.settings.limits

    # What comes is read into this, one connection at a time: asyncio would take and give back 256 KB for each packet,
    # which takes as long as a tenth of a request.
    buffer = memoryview(bytearray(READ))

    class Timed(HttpToolsProtocol, asyncio.BufferedProtocol):  # type: ignore[misc]
        _timer: Any = None  # fires at `_due` or before, and then looks again: to set one for each request costs more
        _due, _action = 0.0, None
        _plain = 0  # bytes since the last ones of a body, or the end of a request
        _gained = False  # whether the last bytes had some of these
        _begun = False  # whether a request is being read
        _heading = False  # and its head
        _again = False  # the parser is told again of a head that was read
        _kept: bytes | None = None  # the body so far of a request that `direct` may take when it is whole
        _open = 0  # requests that were read, or at least their heads, and are not answered
        _active: Any = None  # the one that is being answered
        _rest = b""  # what came behind requests that wait
        _extra = False  # whether there were too many connections when this one came
        _broken: tuple[str, str] | None = None  # why no request can follow those that are open
        _came = b""  # the bytes that began with the request which is being read

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.flow = Flow(transport, self)
            served.connections = len(self.connections)
            self._extra = served.connections > limits.connections
            if served.connections > 2 * limits.connections:  # up to here they are told to come back
                transport.abort()
            else:
                self._arm(limits.header_seconds, self._late)

        def connection_lost(self, exc: Exception | None) -> None:
            self._disarm()
            if self._timer is not None:
                self._timer.cancel()
            served.connections = len(self.connections) - 1
            self._rest, self._kept = b"", None
            self._note(-self._open)
            super().connection_lost(exc)
            self.pipeline.clear()
            if self._active is not None:  # uvicorn tells the last one that came
                lose(self._active)

        # ------------------------------------------------------------ what comes

        def get_buffer(self, sizehint: int) -> memoryview:
            return buffer

        def buffer_updated(self, nbytes: int) -> None:
            self.data_received(bytes(buffer[:nbytes]))

        def data_received(self, data: bytes) -> None:
            idle = not (self._begun or self._open or self._rest or self._plain or self._extra or self._broken)
            if idle and direct is not None and not self.flow.write_paused:  # what comes is the first byte of a request
                if direct.known(self, data):
                    if self._open:
                        self._limit(0, self._abort)
                    return
                self._came = data
            self._parse(self._rest + data if self._rest else data)
            self._came = b""
            self._limit(limits.header_seconds, self._late)

        def _parse(self, data: bytes) -> None:
            """Parse bytes, but for those behind requests that wait."""
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
                    self._fail(BROKEN)
                    return
                self._plain = 0 if self._gained else self._plain + len(piece)
                if self._plain > MOST_HEAD:
                    self._fail(LONG_HEAD)
            if self._kept is not None and len(self._kept) > LONG:
                self._begin_task()

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
                self.scope[EXTRA] = self._extra

        def on_url(self, url: bytes) -> None:
            if not self._again:
                self.url += url

        def on_header(self, name: bytes, value: bytes) -> None:
            if self._heading:  # what follows a body has no say
                name, value = name.lower(), value.rstrip(b" \t")
                if name == b"expect" and value.lower() == b"100-continue":
                    self.expect_100_continue = True
                self.headers.append((name, value))

        def on_headers_complete(self) -> None:
            if self._again:
                return
            version = self.parser.get_http_version()
            hosts = [name for name, _ in self.headers].count(b"host")
            if not (version == "1.1" and hosts == 1) and not (version == "1.0" and hosts <= 1):
                raise MalformedError
            self._heading = False
            if direct is not None and version == "1.1" and self._is_usual():
                self._kept = b""
            else:
                self._begin_task()

        def _is_usual(self) -> bool:
            """Whether nothing of a request's head, and nothing before it, asks for more than an answer."""
            parser, waits = self.parser, self._open or self.flow.write_paused or self.expect_100_continue
            return not waits and parser.should_keep_alive() and not parser.should_upgrade()

        def _begin_task(self) -> None:
            """Leave the request to the application: uvicorn makes a cycle and a task for it."""
            before, body, self._kept = self.cycle, self._kept, None
            super().on_headers_complete()
            if self.cycle is not before:
                self.cycle.transport = Joined(self.transport, self.loop)
                self._count(self.cycle)
            if body:
                super().on_body(body)

        def _count(self, cycle: Any) -> None:
            self._note(1)
            if self._open == 1:
                self._active = cycle

        def on_body(self, body: bytes) -> None:
            self._gained = True
            if self._kept is None:
                super().on_body(body)
            else:
                self._kept += body

        def on_message_complete(self) -> None:
            if self.parser.should_upgrade():  # its body comes yet
                return
            self._gained, self._begun = True, False
            if self._kept is not None and not self._taken(self._kept):
                self._begin_task()
            if self._kept is None:
                super().on_message_complete()
            self._kept = None

        def _taken(self, body: bytes) -> bool:
            """Offer a request that came whole to who may answer it at once."""
            scope, url = self.scope, self.url
            if direct is None or not url.isascii() or b"%" in url or b"?" in url:
                return False
            scope["method"], scope["path"] = self.parser.get_method().decode("ascii"), url.decode("ascii")
            request = Whole(self, scope, body, self._came)
            if not direct(request):
                return False
            self.begun(request)
            return True

        def begun(self, request: Whole) -> None:
            """A request waits for its answer."""
            self.cycle: Any = request
            self._count(request)

        def answered(self, data: bytes) -> None:
            """Send the answer to what has just come."""
            self.transport.write(data)
            self.server_state.total_requests += 1
            self._arm(limits.idle_seconds, self.timeout_keep_alive_handler)

        def _fail(self, why: tuple[str, str]) -> None:
            """Nothing that follows can be understood: say so, behind the answers to what came before."""
            self.logger.warning("Invalid HTTP request received.")
            self._broken, self._kept = why, None
            self.flow.pause_reading()
            if self._open and self._begun and not self._heading:  # the last one will never be whole
                lose(self.cycle)
                self._note(-1)
                if self._open:
                    self.pipeline.popleft()
            if not self._open:
                self._refuse(why)

        def _refuse(self, why: tuple[str, str]) -> None:
            if self._active is None or not self._active.response_started:
                self.transport.write(said(*why))
            self.transport.close()

        # ------------------------------------------------------------ what goes

        def on_response_complete(self) -> None:
            self._active.transport.flush()
            self.ended(self._active)

        def ended(self, cycle: Any) -> None:
            """Go on behind an answer: with the next request, or to wait for one."""
            self._disarm()
            self._note(-1)
            if cycle.more_body:  # it was refused, and its body goes on
                self.transport.close()
            self._active = self.pipeline[-1][0] if self.pipeline else None
            if self.pipeline:
                super().on_response_complete()  # begins it
            else:
                self.server_state.total_requests += 1
                self.flow.resume_reading()
            if self.transport.is_closing():
                return
            if self._broken is not None and not self._open:
                self._refuse(self._broken)
            elif self._rest and not self.pipeline:
                self._parse(self._rest)
                self.flow.resume_reading()
            if self._begun:
                self._limit(limits.header_seconds, self._late)
            else:  # uvicorn would set a timer for each request
                self._limit(limits.idle_seconds, self.timeout_keep_alive_handler)

        def _note(self, more: int) -> None:
            self._open += more
            served.asked += more

        def held_up(self) -> bool:
            return bool(self._rest) or self._broken is not None

        def shutdown(self) -> None:
            if self._kept is not None:  # it is answered yet
                self._begin_task()
            super().shutdown()

        # ------------------------------------------------------------ time

        def _limit(self, seconds: float, action: Any) -> None:
            """Set what happens unless something comes: an action, where no request is here already."""
            if self._open:
                # The answer comes within `seconds`; to be taken it has as long again.
                seconds, action = 2 * limits.seconds, self._abort
            elif self._kept is not None:
                seconds, action = SOON, self._wait_longer
            if self._action != action and not self.transport.is_closing():
                self._arm(seconds, action)

        def _wait_longer(self) -> None:
            self._begin_task()
            self._limit(0, self._abort)

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
                    self.transport.write(said(*LATE))
                self.transport.close()

        def _abort(self) -> None:
            self.transport.abort()

    return Timed
