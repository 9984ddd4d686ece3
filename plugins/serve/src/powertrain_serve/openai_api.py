"""OpenAI's API for language models: `/v1/models`, `/v1/completions`, `/v1/chat/completions`, whole or as a stream.

https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from powertrain_serve.bodies import demand_json
from powertrain_serve.context import context_of
from powertrain_serve.errors import RefusedError
from powertrain_serve.model import Model
from powertrain_serve.openai_asked import Asked, asked, body_of, model_name
from powertrain_serve.predict_api import answer
from powertrain_serve.refusals import problem
from powertrain_serve.service import SMALL, Service, refusing
from powertrain_serve.texts import Text

EVENTS = "text/event-stream"


class OpenAiApi:
    def __init__(self, service: Service) -> None:
        self.service = service
        self._began = int(time.time())

    async def models(self, request: Request) -> Response:
        self.service.versions(None)
        names = self.service.loader.table.names
        return answer({"object": "list", "data": [self._model(name) for name in names if self._writes(name)]})

    async def model(self, request: Request) -> Response:
        name = request.path_params["name"]
        self.service.versions(name)
        if not self._writes(name):
            raise RefusedError(404, f"{name} answers to examples; expected a language model; POST /predict")
        return answer(self._model(name))

    async def completions(self, request: Request) -> Response:
        return await self._answered(request, chat=False)

    async def chat(self, request: Request) -> Response:
        return await self._answered(request, chat=True)

    def _writes(self, name: str) -> bool:
        return self.service.loader.table.versions(name).live_model.writes

    def _model(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": self._began, "owned_by": "powertrain"}

    async def _answered(self, request: Request, chat: bool) -> Response:
        context = context_of(request)
        model, found = await self._read(request, chat)
        context.examples = len(found.rows)
        text = Text(model, found.rows, found.settings, context.deadline)
        said = Said(found, model, context.id)
        async with contextlib.AsyncExitStack() as open_until_told:
            await open_until_told.enter_async_context(self.service.writing(request, text))
            with refusing():
                first = await text.next()
            self.service.watch.note(model, context.id)
            self.service.metrics.first_token(model, time.monotonic() - context.began)
            if found.stream:
                return Events(self.service, said, text, first, open_until_told.pop_all())
            with refusing():
                while first is not None:
                    said.take(first)
                    first = await text.next()
        self.service.metrics.tokens(model, said.read, said.written)
        return answer(said.whole())

    async def _read(self, request: Request, chat: bool) -> tuple[Model, Asked]:
        context, limits = context_of(request), self.service.settings.limits
        demand_json(context.content_type)
        async with self.service.bodies.read(request, context.deadline) as content:
            body = body_of(content)
            name, version = model_name(body)
            model = self.service.versions(name).choose(version)
            context.model, context.version = model.name, model.version
            slow = len(content) > SMALL or "response_format" in body
            return model, await self.service.in_thread(slow, asked, body, chat, model, limits)


class Said:
    """The texts of an answer so far, and the forms in which OpenAI's API has them."""

    def __init__(self, found: Asked, model: Model, name: str) -> None:
        self.chat, self.usage_wanted = found.chat, found.usage
        self.read = sum(map(len, found.prompts))
        self.written = 0
        self._texts = [""] * len(found.rows)
        self._finish: list[str | None] = [None] * len(found.rows)
        kind = "chat.completion" if found.chat else "text_completion"
        self._head = {
            "id": f"{'chatcmpl' if found.chat else 'cmpl'}-{name}", "object": kind, "created": int(time.time()),
            "model": model.name, "system_fingerprint": f"{model.name}-{model.version}",
        }  # fmt: skip

    def take(self, piece: Any) -> None:
        self.written += len(piece.tokens)
        self._texts[piece.row] += piece.text
        self._finish[piece.row] = piece.finish

    def whole(self) -> dict[str, Any]:
        choices = []
        for row, text in enumerate(self._texts):
            what: dict[str, Any] = {"text": text}
            if self.chat:
                what = {"message": {"role": "assistant", "content": text, "refusal": None}}
            choices.append({"index": row, **what, "logprobs": None, "finish_reason": self._finish[row] or "length"})
        return {**self._head, "choices": choices, "usage": self._usage()}

    def chunks(self, piece: Any) -> Iterator[dict[str, Any]]:
        """What a stream says of a piece."""
        self.take(piece)
        if piece.text or not piece.finish:
            yield self._chunk(piece.row, piece.text, None)
        if piece.finish:
            yield self._chunk(piece.row, "", piece.finish)

    def rest(self) -> Iterator[dict[str, Any]]:
        """The last chunks: ends of what the time has cut off, and the counts."""
        for row, finish in enumerate(self._finish):
            if finish is None:
                yield self._chunk(row, "", "length")
        if self.usage_wanted:
            yield {**self._head, "object": self._object, "choices": [], "usage": self._usage()}

    def begin(self) -> Iterator[dict[str, Any]]:
        """The first chunks of a chat: who speaks."""
        if self.chat:
            for row in range(len(self._texts)):
                yield self._framed(row, {"delta": {"role": "assistant", "content": ""}}, None)

    @property
    def _object(self) -> str:
        return "chat.completion.chunk" if self.chat else "text_completion"

    def _chunk(self, row: int, text: str, finish: str | None) -> dict[str, Any]:
        what: dict[str, Any] = {"text": text}
        if self.chat:
            what = {"delta": {} if finish else {"content": text}}
        return self._framed(row, what, finish)

    def _framed(self, row: int, what: dict[str, Any], finish: str | None) -> dict[str, Any]:
        choice = {"index": row, **what, "logprobs": None, "finish_reason": finish}
        # With include_usage each chunk has the field, and the last one its numbers.
        usage = {"usage": None} if self.usage_wanted else {}
        return {**self._head, "object": self._object, "choices": [choice], **usage}

    def _usage(self) -> dict[str, int]:
        return {
            "prompt_tokens": self.read, "completion_tokens": self.written, "total_tokens": self.read + self.written,
        }  # fmt: skip


class Events(Response):  # type: ignore[misc]
    """A text as server-sent events, each with the pieces that are there."""

    def __init__(
        self, service: Service, said: Said, text: Text, first: Any, open_until_told: contextlib.AsyncExitStack
    ) -> None:
        super().__init__(media_type=EVENTS, headers={"X-Accel-Buffering": "no"})  # nginx would hold pieces back
        del self.headers["content-length"]
        self._service, self._said, self._text, self._first, self._open = service, said, text, first, open_until_told

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        try:
            async with self._open:
                await self._tell(scope, send)
        finally:
            self._service.metrics.tokens(self._text.model, self._said.read, self._said.written)

    async def _tell(self, scope: MutableMapping[str, Any], send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        events = [_event(chunk) for chunk in self._said.begin()]
        piece = self._first
        while piece is not None:
            events.extend(_event(chunk) for chunk in self._said.chunks(piece))
            if not self._text.ready():
                await send({"type": "http.response.body", "body": "".join(events).encode(), "more_body": True})
                events.clear()
            try:
                with refusing():
                    piece = await self._text.next()
            except RefusedError as refused:
                events.append(_event(problem(refused.reason, refused.status, scope["path"])))
                break
        else:
            events.extend(_event(chunk) for chunk in self._said.rest())
            events.append("data: [DONE]\n\n")
        await send({"type": "http.response.body", "body": "".join(events).encode()})


def _event(chunk: dict[str, Any]) -> str:
    return f"data: {json.dumps(chunk, allow_nan=False)}\n\n"
