"""`/predict`: what `run.predict` takes, as JSON or as a file, and answers in words."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from powertrain_serve.answers import Answers
from powertrain_serve.arrow import ARROW, written
from powertrain_serve.bodies import FILES, JSON, NPY, Given, examples_in, given_in, numbers_in
from powertrain_serve.context import Context, context_of
from powertrain_serve.model import Model
from powertrain_serve.service import Asking, Service

KINDS = 64  # of requests that are kept, by what their heads say: a client sends the same ones


class PredictApi:
    def __init__(self, service: Service) -> None:
        self.service = service
        self._asking = functools.lru_cache(KINDS)(self._made)

    async def predict(self, request: Request) -> Response:
        return await self.service.respond(request, self.asking(context_of(request), request.path_params))

    def asking(self, context: Context, path: Mapping[str, str]) -> Asking:
        return self._asking(path.get("name"), path.get("version"), context.content_type, context.header(b"accept"))

    def _made(self, name: str | None, version: str | None, content_type: str, accepted: str) -> Asking:
        limits = self.service.settings.limits

        def parsed(model: Model, body: bytes) -> Given:
            found = numbers_in(model, body, limits) if content_type == JSON else None
            return examples_in(model, given_in(content_type, body), limits) if found is None else found

        return Asking(name, version, parsed, _FORMS.get(accepted, _in_words), content_type in FILES)

    async def models(self, request: Request) -> Response:
        self.service.versions(None)
        context_of(request)
        return answer({"models": [model.about() for model in self.service.loader.table.models()]})


def _in_words(model: Model, given: Given, answers: Answers) -> Response:
    return Json(f"{model.opening}{answers.in_words(model.writes)}}}", 200, {})


def _as_npy(model: Model, given: Given, answers: Answers) -> Response:
    if model.writes:
        return _in_words(model, given, answers)
    file = io.BytesIO()
    np.save(file, answers.outputs, allow_pickle=False)
    headers = {"powertrain-model": model.name, "powertrain-version": model.version}
    return Response(file.getvalue(), headers=headers, media_type=NPY)


def _as_arrow(model: Model, given: Given, answers: Answers) -> Response:
    if model.writes:
        return _in_words(model, given, answers)
    return Response(written(model, answers), media_type=ARROW)


_FORMS = {NPY: _as_npy, ARROW: _as_arrow}  # of answers, by what the client accepts
_JSON = json.JSONEncoder(allow_nan=False)
KIND = (b"content-type", b"application/json")


class Json(Response):  # type: ignore[misc]
    """JSON in ASCII: labels are texts of a data set, which may hold what UTF-8 cannot.

    Starlette would look through the headers for what is known here.
    """

    def __init__(self, text: str, status: int, headers: Mapping[str, str]) -> None:
        self.status_code, self.background = status, None
        self.body = text.encode("ascii")
        self._more = headers
        self.usual = status == 200 and not headers  # whether its head says nothing else than its length

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        more = [(name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in self._more.items()]
        return [(b"content-length", b"%d" % len(self.body)), KIND, *more]


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Json(_JSON.encode(value), status, headers or {})
