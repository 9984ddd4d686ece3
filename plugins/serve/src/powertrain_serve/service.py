"""From a request to the outputs of a model: choose, read, check, queue, wait."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

import powertrain as pt
from powertrain_serve.answers import Answers
from powertrain_serve.batching import Job, Worker
from powertrain_serve.bodies import Bodies
from powertrain_serve.context import Context, context_of
from powertrain_serve.errors import RefusedError
from powertrain_serve.known import Heads, Ids
from powertrain_serve.later import Later
from powertrain_serve.loading import Loader
from powertrain_serve.logs import log, quietly
from powertrain_serve.metrics import Metrics
from powertrain_serve.model import Array, Model
from powertrain_serve.settings import Settings
from powertrain_serve.table import Versions
from powertrain_serve.texts import Text
from powertrain_serve.waiting import Deadlines, Outbox
from powertrain_serve.watching import Watch

# Bodies of more bytes are read by a thread, so that the event loop answers others meanwhile.
SMALL = 16 << 10
FEW = 64  # and answers to more examples are written by one
READERS = 2
# A copy for the shadow is left out where the queue is fuller: it must not take the place of a request.
SHADOW_SHARE = 0.5


class Asking(NamedTuple):
    """A request for answers to examples: of which model, and how it is read and answered.

    parsed     from a body to what has the examples as `examples`
    written    the answer to what was parsed
    file       whether the body is a file, which a thread reads
    """

    name: str | None
    version: str | None
    parsed: Callable[[Model, bytes], Any]
    written: Callable[[Model, Any, Answers], Response]
    file: bool = False


class Service:
    """Everything that answers requests, apart from HTTP; a `Served`."""

    def __init__(self, settings: Settings, loader: Loader) -> None:
        self.settings, self.loader = settings, loader
        limits = settings.limits
        self.deadlines = Deadlines()
        self.bodies = Bodies(limits, self.deadlines)
        self.metrics = Metrics(settings.metrics, lambda: len(self.worker), lambda: self.worker.writing)
        self.outbox = Outbox()
        self._now: list[Job] = []  # that the loop computes in its next turn
        self._after: list[Callable[[], object]] = []  # what it calls then
        self.worker = Worker(
            limits.batch, limits.wait, limits.queue, limits.texts, lambda: self.bodies.reading, self.metrics.batch,
            self.outbox.flush,
        )  # fmt: skip
        self.watch = Watch(settings.watched, self.metrics)
        self.later = Later(self.metrics, self.watch)
        self.heads, self.ids = Heads(), Ids()
        self.loaded: Callable[[], object] = lambda: None  # called when models were loaded
        self.connections = 0
        self.asked = 0
        self.stopping = False
        self._readers = ThreadPoolExecutor(READERS, "powertrain-serve-reader")

    @property
    def ready(self) -> bool:
        return self.loader.ready and not self.stopping

    def reload(self) -> list[str]:
        """Read again what is wanted, and swap to it; what went wrong is said in the log, and raised."""
        try:
            loaded = self.loader.reload()
        except Exception as error:
            log("reload failed", 40, reason=str(error))
            self.metrics.reload("failed", list(self.loader.table.models()))
            raise
        self.heads.forget()
        self.watch.keep(self.loader.table.models())
        self.loaded()
        log("loaded", models=loaded)
        self.metrics.reload("done", list(self.loader.table.models()))
        return loaded

    def close(self) -> None:
        """Answer what waits, and end the threads."""
        self.worker.close()
        self.later.flush()
        self.watch.close()
        self._readers.shutdown(wait=True)

    def versions(self, name: str | None) -> Versions:
        if not self.loader.ready:
            raise RefusedError(
                503, "no model is loaded yet; expected one; send the request again in a moment", retry_after=1
            )
        return self.loader.table.versions(name)

    def choose(self, context: Context, asking: Asking) -> tuple[Versions, Model]:
        """The versions that a request means, and the one of them that answers it."""
        if context.chosen is None:
            versions = self.versions(asking.name)
            model = versions.choose(asking.version)
            context.chosen = versions, model
            context.model, context.version = model.name, model.version
        return context.chosen

    async def respond(self, request: Request, asking: Asking) -> Response:
        """The answer to a request for answers to examples."""
        context = context_of(request)
        _, model = self.choose(context, asking)
        reading = self.bodies.counted()
        try:
            async with self.bodies.read(request, context.deadline) as body:
                slow = len(body) > SMALL or asking.file
                given = await self.in_thread(slow, asking.parsed, model, body)
                context.examples = 1 if model.writes else len(given.examples)
                reading.close()  # before it is queued: it must not wait for itself
                if model.writes:
                    answers = Answers([await self._written(request, model, given.examples)])
                    self.watch.note(model, context.id)
                else:
                    answers = Answers(await self._computed(model, given.examples, context.deadline))
                    self.answered(context, asking, given, answers, len(body))
        finally:
            reading.close()
        return await self.in_thread(len(answers) > FEW, asking.written, model, given, answers)

    def answered(self, context: Context, asking: Asking, given: Any, answers: Answers, size: int) -> None:
        """Once an answer was sent, show it to the monitor, and a copy of its request of so many bytes to the shadow."""
        assert context.chosen is not None
        versions, model = context.chosen
        context.later.append(partial(self.watch.see, model, context.id, given, answers, size))
        if asking.version is None and versions.shadow is not None:
            context.later.append(partial(self._shadow, versions, model, given.examples, answers))

    @contextlib.asynccontextmanager
    async def writing(self, request: Request, text: Text) -> AsyncIterator[Text]:
        """Queue a text, for the length of a block. It ends where the client goes away; the body must have been read."""
        self.worker.write(text)
        gone = asyncio.ensure_future(request.receive())
        gone.add_done_callback(lambda done: text.leave())
        try:
            yield text
        finally:
            gone.cancel()
            text.leave()

    async def _written(self, request: Request, model: Model, prompt: str) -> str:
        """The whole text that follows a prompt, by the settings that a run has by itself."""
        text = Text(model, prompt, {}, context_of(request).deadline)
        parts: list[str] = []
        finish = None
        async with self.writing(request, text):
            with refusing():
                while (piece := await text.next()) is not None:
                    parts.append(piece.text)
                    finish = piece.finish
        if finish is None:
            raise _no_answer()
        return "".join(parts)

    async def in_thread(self, wanted: bool, function: Callable[..., Any], *given: Any) -> Any:
        """Call a function here, or in a thread where it may take long."""
        if not wanted:
            return function(*given)
        return await asyncio.get_running_loop().run_in_executor(self._readers, function, *given)

    async def _computed(self, model: Model, examples: Array, deadline: float) -> Any:
        waiting = self.outbox.awaited()
        job = Job(model, examples, deadline, waiting)
        if model.quick and len(examples) <= self.worker.batch and not self.worker.closed:
            self.together(job)
        else:
            self.worker.put(job)
        try:
            with refusing(), self.deadlines.until(deadline):
                return await waiting.future
        except asyncio.TimeoutError:
            raise _no_answer() from None

    def alone(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether nothing else waits in this turn of the loop that a request could be computed with. Python's loops
        have a list of that; by others requests are always gathered."""
        return not self._now and not getattr(loop, "_ready", True)

    def together(self, job: Job) -> None:
        """Compute a job of a quick model with the others that are read in this turn of the loop."""
        self._now.append(job)
        if len(self._now) == 1:
            asyncio.get_running_loop().call_soon(self._compute)

    def afterwards(self, function: Callable[[], object]) -> None:
        """Call a function when all that is being computed in this turn of the loop was answered."""
        self._after.append(function)

    def _compute(self) -> None:
        jobs, self._now = self._now, []
        of_model: dict[Model, list[Job]] = {}
        for job in jobs:
            of_model.setdefault(job.model, []).append(job)
        for several in of_model.values():
            self.worker.run_here(several)
        self.outbox.deliver()
        after, self._after = self._after, []
        for function in after:
            quietly(function)

    def _shadow(self, versions: Versions, model: Model, examples: Array, answers: Answers) -> None:
        """Send a copy to the shadow, if it is its turn, and compare in the background."""
        shadow = versions.shadowed()
        if shadow is None or shadow is model:
            return
        try:
            limits = self.settings.limits
            waiting = self.worker.submit(shadow, examples, time.monotonic() + limits.seconds, SHADOW_SHARE)
        except RefusedError:
            self.metrics.shadow(shadow, "skipped")
            return
        waiting.add_done_callback(lambda done: self.metrics.shadow(shadow, compared(done, answers)))


class refusing:  # noqa: N801 - a block, as those of contextlib
    """A block that makes refusals of what the engine says to a request. Not a generator, as `Body` is none."""

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        refused = None if error is None else refused_by(error)
        if refused is not None and refused is not error:
            raise refused from None


def refused_by(error: BaseException) -> RefusedError | None:
    """What a request is told of an error; None where it is a fault of ours."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, pt.OutOfMemoryError):
        return RefusedError(503, "not enough memory for the request; expected fewer examples; send fewer at once", 1)
    if isinstance(error, ConnectionError):
        return RefusedError(
            499, "the client closed the connection; expected it to wait for the answer; send the request again"
        )
    if isinstance(error, (ValueError, IndexError)) and isinstance(error, pt.Error):
        return RefusedError(400, str(error))  # of values, which only the model can judge
    return None


def _no_answer() -> RefusedError:
    return RefusedError(503, "no answer in time; expected a free engine; send the request again", retry_after=1)


def compared(done: Future[Any], answers: Answers) -> str:
    """Whether the shadow says the same: of classes the same labels, of numbers values that are near."""
    if done.exception() is not None:
        return "failed"
    other = Answers(done.result())
    if other.parts[0].classes or answers.parts[0].classes:
        both = other.parts[0].classes and answers.parts[0].classes
        return "same" if both and other.labels == answers.labels else "differs"
    ours, theirs = answers.outputs, other.outputs
    near = ours.shape == theirs.shape and np.allclose(theirs, ours, rtol=1e-3, atol=1e-6)
    return "same" if near else "differs"
