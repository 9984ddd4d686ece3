"""The application: routes, and what becomes of errors."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from powertrain_serve import openapi
from powertrain_serve.errors import RefusedError
from powertrain_serve.guard import Guard
from powertrain_serve.logs import log
from powertrain_serve.metrics import CONTENT_TYPE
from powertrain_serve.monitor_api import MonitorApi
from powertrain_serve.openai_api import OpenAiApi
from powertrain_serve.predict_api import PredictApi, answer
from powertrain_serve.refusals import problem, refusal
from powertrain_serve.service import Service, context_of
from powertrain_serve.v2 import V2Api

_PAGE_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


def application(service: Service) -> Any:
    """The ASGI application of a service. It closes the service when it ends."""
    plain, v2, openai, monitor = PredictApi(service), V2Api(service), OpenAiApi(service), MonitorApi(service)
    model, version = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"

    def described() -> dict[str, Any]:
        return openapi.description(service.loader.table, bool(service.settings.token))

    async def description(request: Request) -> Response:
        return answer(described())

    async def page(request: Request) -> Response:
        return HTMLResponse(openapi.page(described()), headers=_PAGE_POLICY)

    async def metrics(request: Request) -> Response:
        text = service.metrics.text()
        if text is None:
            raise RefusedError(404, "no metrics; expected prometheus_client; pip install 'powertrain-serve[metrics]'")
        return Response(text + await monitor.metrics(), media_type=CONTENT_TYPE)

    routes = [  # the busiest first: they are tried in this order
        Route("/predict", plain.predict, methods=["POST"]),
        Route("/models/{name}/predict", plain.predict, methods=["POST"]),
        Route("/models/{name}/versions/{version}/predict", plain.predict, methods=["POST"]),
        Route(f"{model}/infer", v2.infer, methods=["POST"]),
        Route(f"{version}/infer", v2.infer, methods=["POST"]),
        Route("/", page),
        Route("/docs", page),
        Route("/openapi.json", description),
        Route("/metrics", metrics),
        Route("/models", plain.models),
        Route("/feedback", monitor.feedback, methods=["POST"]),
        Route("/monitor", monitor.overview),
        Route("/monitor/{name}", monitor.page),
        Route("/monitor/{name}/{version}", monitor.page),
        Route("/v1/models", openai.models),
        Route("/v1/models/{name}", openai.model),
        Route("/v1/completions", openai.completions, methods=["POST"]),
        Route("/v1/chat/completions", openai.chat, methods=["POST"]),
        Route("/v2", v2.server),
        Route("/v2/health/live", v2.live),
        Route("/v2/health/ready", v2.ready),
        Route("/v2/repository/index", v2.index, methods=["POST"]),
        Route("/v2/repository/models/{name}/load", v2.load, methods=["POST"]),
        Route(model, v2.model),
        Route(version, v2.model),
        Route(f"{model}/ready", v2.model_ready),
        Route(f"{version}/ready", v2.model_ready),
    ]

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await service.in_thread(True, service.worker.close)
        service.close()

    made = Starlette(
        routes=routes, lifespan=lifespan,
        exception_handlers={RefusedError: _refused, HTTPException: _http, Exception: _ours},
    )  # fmt: skip
    made.router.redirect_slashes = False
    return Guard(made, service)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    found: Response = refusal(error, request.url.path)
    return found


async def _http(request: Request, error: Exception) -> Response:
    """What the router says: no such path, another method."""
    assert isinstance(error, HTTPException)
    said = problem(f"{error.detail}; see /docs", error.status_code, request.url.path)
    return answer(said, error.status_code, dict(error.headers or {}))


async def _ours(request: Request, error: Exception) -> Response:
    context = context_of(request)
    log("fault", 40, id=context.id, error=type(error).__name__)
    said = problem(f"a fault of the server; its log says more under {context.id}", 500, request.url.path)
    return answer(said, 500)
