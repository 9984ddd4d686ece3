"""What goes over one connection: heads that are sent with their bodies, reading that is held up, and requests that came
whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl

from powertrain_serve.settings import MOST_HEAD

LARGE = 64 << 10  # bytes of a body that are not worth a copy
# What a connection is told where there is no request to answer.
LATE = (
    "408 Request Timeout",
    "the head of the request did not arrive in time; expected it sooner; send the request again",
)
BROKEN = ("400 Bad Request", "the bytes are not an HTTP/1.1 request; expected one; use an HTTP client")
LONG_HEAD = (
    "431 Request Header Fields Too Large", f"a head of more than {MOST_HEAD:,} bytes; expected fewer; send fewer"
)  # fmt: skip


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


class Whole:
    """A request whose head and body came together. It is answered by one call, without a task that waits for parts.

    uvicorn's protocol asks it what it asks a cycle of its own: the names below are those of its cycles.
    """

    more_body = False
    message_event = asyncio.Event()  # nobody waits for it

    def __init__(self, protocol: Any, scope: MutableMapping[str, Any], body: bytes, came: bytes = b"") -> None:
        self._protocol = protocol
        self.scope, self.body = scope, body
        self.came = came  # what came at once, beginning with this request; nothing where it did not
        self.keep_alive = True  # until the server ends
        self.disconnected = self.response_started = self.response_complete = False

    def answer(self, head: bytes, body: bytes) -> None:
        """Send an answer: the lines of its head but for the empty one, and its body."""
        if self.disconnected:
            return
        self.response_started = self.response_complete = True
        transport = self._protocol.transport
        if self.keep_alive:
            transport.write(b"".join((head, b"\r\n", body)))
        else:
            transport.write(b"".join((head, b"connection: close\r\n\r\n", body)))
            transport.close()
        self._protocol.ended(self)


def said(status: str, reason: str) -> bytes:
    """An answer that ends the connection."""
    body = json.dumps({"error": reason}, allow_nan=False)
    head = f"content-type: application/json\r\nconnection: close\r\ncontent-length: {len(body)}"
    return f"HTTP/1.1 {status}\r\n{head}\r\n\r\n{body}".encode()


def lose(cycle: Any) -> None:
    """Tell who answers a request that nobody waits for it."""
    cycle.disconnected = True
    cycle.message_event.set()
