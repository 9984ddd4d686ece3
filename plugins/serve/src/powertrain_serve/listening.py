"""The server itself: its socket, uvicorn with our limits, and how it ends."""

from __future__ import annotations

import signal
import socket
from types import FrameType

import uvicorn

from powertrain_serve.app import application
from powertrain_serve.errors import ServeError
from powertrain_serve.logs import log
from powertrain_serve.protocol import timed
from powertrain_serve.service import Service
from powertrain_serve.settings import Settings


class Ending(uvicorn.Server):  # type: ignore[misc]
    """A server that says it is not ready from the moment on at which it is told to end."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.service = service
        self.told: signal.Signals | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Nothing is written here: the signal may have come in the middle of another line, which refuses a second one.
        self.service.stopping = True
        self.told = signal.Signals(sig)
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.told is not None:
            log("ending", signal=self.told.name, grace=self.service.settings.limits.grace)
        await super().shutdown(sockets)


def server(service: Service) -> Ending:
    """The server of a service, which `run` runs; apart, so that a program may run it in a thread."""
    settings = service.settings
    limits = settings.limits
    config = uvicorn.Config(
        application(service), host=settings.host, port=settings.port, http=timed(service), ws="none", lifespan="on",
        log_config=None, access_log=False, server_header=False, date_header=False, proxy_headers=False,
        timeout_keep_alive=int(limits.idle_seconds), backlog=limits.connections,
        timeout_graceful_shutdown=int(limits.grace),
    )  # fmt: skip
    return Ending(config, service)


def bound_socket(settings: Settings) -> socket.socket:
    """The socket; so that a port in use is said before anything is loaded, and port 0 is known."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # By the protocol's number asyncio turns Nagle's algorithm off: else an answer waits 40 ms for an acknowledgement.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((settings.host.strip("[]"), settings.port))
        bound.listen(settings.limits.connections)  # who connects from now on waits for the loop
    except (OSError, OverflowError) as error:
        bound.close()
        said = getattr(error, "strerror", None) or str(error)
        raise ServeError(
            f"[serve] {settings.host} port {settings.port}: {said}; expected an address of this machine and a free "
            "port; name others: --host, --port"
        ) from None
    return bound
