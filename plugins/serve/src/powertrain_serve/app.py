"""The application: what answers each path, behind the guard."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from powertrain_serve import openapi
from powertrain_serve.direct import Direct
from powertrain_serve.errors import RefusedError
from powertrain_serve.guard import Guard
from powertrain_serve.metrics import CONTENT_TYPE
from powertrain_serve.monitor_api import MonitorApi
from powertrain_serve.openai_api import OpenAiApi
from powertrain_serve.predict_api import PredictApi, answer
from powertrain_serve.routing import Route, Routes, post
from powertrain_serve.service import Service
from powertrain_serve.v2 import V2Api

_PAGE_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


class Application:
    """The ASGI application of a service, which closes the service when it ends.

    direct    answers what it can without a task; of a server that runs the application
    """

    def __init__(self, service: Service) -> None:
        routes = Routes(routes_of(service))
        self._guard = Guard(Lived(routes, service), service)
        self.direct = Direct(service, self._guard, routes)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        await self._guard(scope, receive, send)


def routes_of(service: Service) -> list[Route]:
    """Every path that is answered. `openapi.description` tells of each but the pages that show it."""
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

    return [
        post("/predict", plain.predict, plain.asking),
        post("/models/{name}/predict", plain.predict, plain.asking),
        post("/models/{name}/versions/{version}/predict", plain.predict, plain.asking),
        post(f"{model}/infer", v2.infer, v2.asking),
        post(f"{version}/infer", v2.infer, v2.asking),
        Route("/", page),
        Route("/docs", page),
        Route("/openapi.json", description),
        Route("/metrics", metrics),
        Route("/models", plain.models),
        post("/feedback", monitor.feedback),
        Route("/monitor", monitor.overview),
        Route("/monitor/{name}", monitor.page),
        Route("/monitor/{name}/{version}", monitor.page),
        Route("/v1/models", openai.models),
        Route("/v1/models/{name}", openai.model),
        post("/v1/completions", openai.completions),
        post("/v1/chat/completions", openai.chat),
        Route("/v2", v2.server),
        Route("/v2/health/live", v2.live),
        Route("/v2/health/ready", v2.ready),
        post("/v2/repository/index", v2.index),
        post("/v2/repository/models/{name}/load", v2.load),
        Route(model, v2.model),
        Route(version, v2.model),
        Route(f"{model}/ready", v2.model_ready),
        Route(f"{version}/ready", v2.model_ready),
    ]  # fmt: skip


class Lived:
    """An ASGI application that closes its service when the server ends."""

    def __init__(self, app: Any, service: Service) -> None:
        self.app, self.service = app, service

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.service.in_thread(True, self.service.worker.close)
        self.service.close()
        await send({"type": "lifespan.shutdown.complete"})
