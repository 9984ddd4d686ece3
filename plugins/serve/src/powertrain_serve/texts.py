"""A text that is being written: the engine's thread adds pieces, and who asked for it takes them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from powertrain_serve.errors import RefusedError
from powertrain_serve.model import Model


class Text:
    """One request for a text, or for several side by side.

    prompt      a text, or rows of tokens, one for each text
    settings    those of run.stream
    deadline    by time.monotonic; what is not written by then stays unwritten
    """

    def __init__(self, model: Model, prompt: Any, settings: Mapping[str, Any], deadline: float) -> None:
        self.model, self.deadline = model, deadline
        self.left = False  # nobody waits for it any more
        self._prompt, self._settings = prompt, dict(settings)
        self._pieces: Iterator[Any] | None = None
        self._loop = asyncio.get_running_loop()
        self._told: deque[Any] = deque()
        self._called = False  # whether the loop will look at what was told
        self._taker: asyncio.Future[None] | None = None  # who waits for it

    # ---- in the engine's thread

    def step(self) -> bool:
        """Write the next piece; whether there may be another one."""
        if self.left:
            return self.end()
        if time.monotonic() > self.deadline:
            return self.end(None if self._pieces is not None else _late())
        try:
            if self._pieces is None:
                self._pieces = self.model.continued(self._prompt, **self._settings)
            self._tell(next(self._pieces))
            return True
        except StopIteration:
            return self.end()
        except Exception as error:
            return self.end(error)

    def end(self, error: Exception | None = None) -> bool:
        """Let go of what writes it. Gives False, since nothing comes after it."""
        pieces, self._pieces = self._pieces, None
        if pieces is not None:
            with contextlib.suppress(Exception):
                pieces.close()  # type: ignore[attr-defined]  # a generator
        self._tell(error)
        return False

    def _tell(self, what: Any) -> None:
        """Pieces gather until the loop looks: it is called once for all of them, and has time for others."""
        self._told.append(what)
        if not self._called:
            self._called = True
            try:
                self._loop.call_soon_threadsafe(self._look)
            except RuntimeError:  # the loop has ended, and with it who asked
                self.left = True

    # ---- in the loop of who asked

    def leave(self) -> None:
        """Nobody takes the rest."""
        if not self.left:
            self.left = True
            self._told.append(ConnectionError("the client has gone"))
            self._look()

    def _look(self) -> None:
        self._called = False  # before anything is taken: what comes from now on calls again
        if self._taker is not None and not self._taker.done():
            self._taker.set_result(None)

    async def next(self) -> Any:
        """The next piece; None behind the last one."""
        while not self._told:
            self._taker = self._loop.create_future()
            await self._taker
        found = self._told.popleft()
        if isinstance(found, Exception):
            raise found
        return found

    def ready(self) -> bool:
        """Whether `next` has something already."""
        return bool(self._told)


def _late() -> RefusedError:
    return RefusedError(503, "the request waited too long; expected a free engine; send the request again", 1)
