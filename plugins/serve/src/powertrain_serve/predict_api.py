"""`/predict`: what `run.predict` takes, as JSON or as a file, and answers in words."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from powertrain_serve.answers import Answers
from powertrain_serve.arrow import ARROW, written
from powertrain_serve.bodies import NPY, Given, examples_in, given_in
from powertrain_serve.context import content_type_of, context_of, header_of
from powertrain_serve.model import Model
from powertrain_serve.service import FEW, Service


class PredictApi:
    def __init__(self, service: Service) -> None:
        self.service = service

    async def predict(self, request: Request) -> Response:
        content_type = content_type_of(request)
        limits = self.service.settings.limits

        def parsed(model: Model, body: bytes) -> Given:
            return examples_in(model, given_in(content_type, body), limits)

        path = request.path_params
        model, _, answers = await self.service.answers(request, path.get("name"), path.get("version"), parsed)
        accepted = header_of(request, b"accept")
        if accepted == NPY and not model.writes:
            file = io.BytesIO()
            np.save(file, answers.outputs, allow_pickle=False)
            headers = {"powertrain-model": model.name, "powertrain-version": model.version}
            return Response(file.getvalue(), headers=headers, media_type=NPY)
        if accepted == ARROW and not model.writes:
            content = await self.service.in_thread(len(answers) > FEW, written, model, answers)
            return Response(content, media_type=ARROW)
        return await self.service.in_thread(len(answers) > FEW, _answered, model, answers)

    async def models(self, request: Request) -> Response:
        self.service.versions(None)
        context_of(request)
        return answer({"models": [model.about() for model in self.service.loader.table.models()]})


def _answered(model: Model, answers: Answers) -> Response:
    return answer({"model": model.name, "version": model.version, "predictions": answers.in_words(model.writes)})


_JSON = json.JSONEncoder(allow_nan=False)


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON in ASCII: labels are texts of a data set, which may hold what UTF-8 cannot."""
    return Response(_JSON.encode(value), status, headers, media_type="application/json")
