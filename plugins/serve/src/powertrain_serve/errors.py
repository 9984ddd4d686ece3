"""What goes wrong: with the command, and with a request."""

from __future__ import annotations

import powertrain as pt


class ServeError(pt.Error):
    """A server that cannot start, or models that cannot be loaded: what was received, expected, and how to fix it."""


class RefusedError(ServeError):
    """A request that is answered by an HTTP status of 400 or more, with a reason that its sender may see."""

    def __init__(self, status: int, reason: str, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.retry_after = status, reason, retry_after
