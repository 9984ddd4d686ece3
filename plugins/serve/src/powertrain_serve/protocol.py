"""uvicorn's protocol, with time limits: a connection that says nothing, or a byte a minute, is not kept.

uvicorn ends a connection that idles between two requests. It waits without end for the first one, for the rest of a
head, and for a client that does not take its answer.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from powertrain_serve.service import Service

_LATE = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%s"
)
_LATE_REASON = b'{"error": "the head of a request that did not come in time; expected it sooner; send it again"}'


def timed(service: Service) -> type[asyncio.Protocol]:
    """The protocol with the limits of a service, which is told how many connections there are."""
    limits = service.settings.limits

    class Timed(H11Protocol):  # type: ignore[misc]
        _timer: Any = None
        _in_request = False

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            service.connections = len(self.connections)
            if service.connections > 2 * limits.connections:  # up to here they are told to come back
                transport.abort()
            else:
                self._arm(limits.header_seconds, self._late)

        def connection_lost(self, exc: Exception | None) -> None:
            self._disarm()
            service.connections = len(self.connections) - 1
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._answers():
                if not self._in_request:
                    # The answer comes within `seconds`; to be taken it has as long again.
                    self._in_request = True
                    self._arm(2 * limits.seconds, self._abort)
            elif self._timer is None and not self.transport.is_closing():
                self._arm(limits.header_seconds, self._late)

        def on_response_complete(self) -> None:
            self._disarm()
            self._in_request = False
            if self.conn.their_state is h11.SEND_BODY:  # it was refused, and its body goes on
                self.transport.close()
            super().on_response_complete()
            if self._answers():  # the next one was here already
                self._in_request = True
                self._arm(2 * limits.seconds, self._abort)

        def _answers(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _arm(self, seconds: float, action: Any) -> None:
            self._disarm()
            self._timer = self.loop.call_later(seconds, action)

        def _disarm(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _late(self) -> None:
            if not self.transport.is_closing():
                if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:
                    self.transport.write(_LATE % (len(_LATE_REASON), _LATE_REASON))
                self.transport.close()

        def _abort(self) -> None:
            self.transport.abort()

    return Timed
