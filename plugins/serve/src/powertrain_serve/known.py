"""Heads that were read before: a client sends the same bytes again and again, and they mean the same each time.

What a head asks for depends on nothing but its bytes: its path, its token, its host, how long its body is. So one that
was parsed and let in needs no parser and no guard when the same bytes come again. They must begin a request, and have a
body of that length behind them. They are compared as a whole, with nothing left out, behind a hash with a secret key:
how long that takes tells nothing of a token in them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from powertrain_serve.connection import Whole
    from powertrain_serve.context import Context
    from powertrain_serve.model import Model
    from powertrain_serve.service import Asking
    from powertrain_serve.table import Table

END = b"\r\n\r\n"
MOST = 256  # heads that are kept,
LONGEST = 1 << 10  # each of at most so many bytes
_IDS = 256  # ids that are drawn at once


class Known(NamedTuple):
    """What a head asks for.

    table     the models of which `model` was chosen; by another one it is to be chosen again
    length    bytes of the body
    scope     what is logged of it: path, method and endpoint
    """

    table: Table
    model: Model
    asking: Asking
    length: int
    scope: Mapping[str, Any]

    @property
    def route(self) -> str:
        return str(self.scope["endpoint"].__name__)


class Heads:
    """The heads that are known, by their bytes."""

    def __init__(self) -> None:
        self._known: dict[bytes, Known] = {}

    def find(self, head: bytes) -> Known | None:
        return self._known.get(head)

    def keep(self, request: Whole, context: Context, asking: Asking, table: Table) -> None:
        """Keep the head of a request that was let in, unless the next one like it may mean something else."""
        head, _, body = request.came.partition(END)
        headers, (versions, model) = context.headers, context.chosen or (None, None)
        if model is None or versions is None or len(head) > LONGEST or body != request.body:
            return
        if b"content-length" not in headers or b"transfer-encoding" in headers or b"x-request-id" in headers:
            return  # a request with a name of its own comes once
        if asking.version is None and (versions.canary or versions.shadow):
            return  # which have their turns
        if len(self._known) >= MOST:
            self._known.pop(next(iter(self._known)), None)
        scope = {name: request.scope[name] for name in ("path", "method", "endpoint")}
        self._known[head] = Known(table, model, asking, len(body), scope)

    def forget(self) -> None:
        """The table has changed; what is kept must not keep the models of the old one."""
        self._known = {}


class Ids:
    """Names of requests, which nobody can guess: 128 random bits each, drawn for many at once."""

    def __init__(self) -> None:
        self._drawn: list[str] = []

    def next(self) -> str:
        if not self._drawn:
            letters = os.urandom(16 * _IDS).hex()
            self._drawn = [letters[at : at + 32] for at in range(0, len(letters), 32)]
        return self._drawn.pop()
