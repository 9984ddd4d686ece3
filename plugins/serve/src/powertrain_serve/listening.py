"""The server itself: its socket, uvicorn with our limits, and how it ends."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

import uvicorn

from powertrain_serve.errors import ServeError
from powertrain_serve.logs import log
from powertrain_serve.polling import new_loop
from powertrain_serve.protocol import Answers, timed
from powertrain_serve.settings import Served, Settings

# Seconds after which a thread lets others run. By Python's 0.005 the loop would wait so long at each call of the system
# while another thread computes, such as the engine's or the monitor's: a request has several.
SWITCH = 0.0001


class Ending(uvicorn.Server):  # type: ignore[misc]
    """A server that says it is not ready from the moment on at which it is told to end."""

    def __init__(self, config: uvicorn.Config, served: Served) -> None:
        super().__init__(config)
        self.served = served
        self.told: signal.Signals | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Nothing is written here: the signal may have come in the middle of another line, which refuses a second one.
        self.served.stopping = True
        self.told = signal.Signals(sig)
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.told is not None:
            log("ending", signal=self.told.name, grace=self.served.settings.limits.grace)
        await super().shutdown(sockets)


def server(application: Any, served: Served, direct: Answers | None = None) -> Ending:
    """The server of an application, which `run` runs; apart, so that a program may run it in a thread. `direct` may
    take requests that came whole, as `timed` has it."""
    settings = served.settings
    limits = settings.limits
    config = uvicorn.Config(
        application, host=settings.host, port=settings.port, loop=f"{new_loop.__module__}:{new_loop.__name__}",
        http=timed(served, direct), ws="none", lifespan="on", log_config=None, access_log=False, server_header=False,
        date_header=False, proxy_headers=False, timeout_keep_alive=int(limits.idle_seconds),
        backlog=limits.connections, timeout_graceful_shutdown=int(limits.grace),
    )  # fmt: skip
    return Ending(config, served)


def _take_turns_every(seconds: float) -> None:
    """Python cuts it off to whole microseconds, and would make 99 of the 100 that it has just said."""
    sys.setswitchinterval(seconds + 0.5e-6)


@contextlib.contextmanager
def switching_soon() -> Iterator[None]:
    """Let threads of this program take turns often, for the length of a block."""
    before = sys.getswitchinterval()
    _take_turns_every(min(before, SWITCH))
    try:
        yield
    finally:
        _take_turns_every(before)


@contextlib.contextmanager
def handling(made: Ending, handlers: Mapping[signal.Signals, Any] | None = None) -> Iterator[None]:
    """Handle signals in a block in which a server runs; those that end it also before it does. While it runs, uvicorn
    deals with the latter. When it has ended, uvicorn raises them once more for whoever was there before: that changes
    nothing then."""
    ours = {signal.SIGTERM: made.handle_exit, signal.SIGINT: made.handle_exit, **(handlers or {})}
    before = {number: signal.signal(number, handler) for number, handler in ours.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def bound_socket(settings: Settings, verb: str = "serve") -> socket.socket:
    """The socket of a verb; so that a port in use is said before anything is loaded, and port 0 is known."""
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
            f"[{verb}] {settings.host} port {settings.port}: {said}; expected an address of this machine and a free "
            f"port; name others: {'--host, ' if verb == 'serve' else ''}--port"
        ) from None
    return bound
