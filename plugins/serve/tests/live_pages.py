"""The live page, served by a thread."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from powertrain.live.page import LivePage
from powertrain_serve.listening import bound_socket, server
from powertrain_serve.live import LiveServer

TOKEN = "a-token-for-a-test"


@contextlib.contextmanager
def live(*places: Path, kind: type[LivePage] = LivePage) -> Iterator[str]:
    """Serve the page of these places; its address without the token."""
    page = LiveServer(kind(places), TOKEN, 0)
    bound = bound_socket(page.settings, "watch")
    made = server(page, page)
    thread = threading.Thread(target=made.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        page.stopping = made.should_exit = True
        thread.join()
        bound.close()
