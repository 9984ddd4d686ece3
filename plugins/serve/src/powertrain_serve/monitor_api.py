"""What became known of answers later (`/feedback`), and the pages of the monitors (`/monitor`)."""

from __future__ import annotations

import asyncio
import html
import threading
import time
import weakref
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

import powertrain as pt
from powertrain_serve.bodies import demand_json, parsed_json
from powertrain_serve.context import context_of
from powertrain_serve.errors import RefusedError
from powertrain_serve.model import Model
from powertrain_serve.predict_api import answer
from powertrain_serve.service import Service
from powertrain_serve.watching import One

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
FRESH = 10.0  # seconds in which a page is not drawn again: whoever loads it often takes nothing from requests
_KEYS = {"id", "labels", "rating"}
_FORM = '{"id": "of the request", "labels": [...]} or {"id": ..., "rating": 0.8}'


class MonitorApi:
    def __init__(self, service: Service) -> None:
        self.service = service
        self._drawn: weakref.WeakKeyDictionary[Model, tuple[float, str]] = weakref.WeakKeyDictionary()
        self._drawing = threading.Lock()

    async def feedback(self, request: Request) -> Response:
        """Labels of the examples of a request, in their order, or how good its answer was."""
        context = context_of(request)
        demand_json(context.content_type)
        async with self.service.bodies.read(request, context.deadline) as body:
            id, labels, rating = _feedback(parsed_json(body))
        model = self.service.watch.feedback(id, labels, rating)
        context.model, context.version = model.name, model.version
        return answer({"id": id, "model": model.name, "version": model.version, "labels": len(labels or ())})

    async def overview(self, request: Request) -> Response:
        rows = [_row(monitor, names) for monitor, names in await self.states()]
        listed = f"<ul>{''.join(rows)}</ul>" if rows else "<p>No model is watched.</p>"
        return _page(_frame("Models in use", listed))

    async def page(self, request: Request) -> Response:
        """The page that `powertrain monitor` writes, of what was served."""
        versions = self.service.versions(request.path_params["name"])
        model = versions.choose(request.path_params.get("version") or versions.live)
        one = self.service.watch.one(model)
        if one is None:
            raise RefusedError(
                404, f"{model.name} {model.version} is not monitored; expected a run with a profile; see /monitor"
            )
        return _page(await asyncio.to_thread(self._of, model, one))

    async def states(self) -> Any:
        # In a thread: the lock of a monitor is held while it compares a window.
        return await asyncio.to_thread(self.service.watch.states)

    async def metrics(self) -> bytes:
        """The gauges of all monitors, for Prometheus."""
        states = await self.states()
        return pt.monitor.prometheus(states).encode() if states else b""

    def _of(self, model: Model, one: One) -> str:
        with self._drawing:
            drawn, page = self._drawn.get(model, (0.0, ""))
            if not page or time.monotonic() > drawn + FRESH:
                page = _drawn(model, one)
                self._drawn[model] = (time.monotonic(), page)
            return page


def _feedback(found: Any) -> tuple[str, list[Any] | None, float | None]:
    fits = isinstance(found, dict) and not set(found) - _KEYS and isinstance(found.get("id"), str)
    if not fits or ("labels" in found) == ("rating" in found):
        raise RefusedError(400, f"JSON of another form; expected {_FORM}; send one of these")
    labels, rating = found.get("labels"), found.get("rating")
    if "labels" in found and not (isinstance(labels, list) and labels):
        raise RefusedError(400, "labels is not a list; expected one label for each example of the request; send a list")
    number = isinstance(rating, (int, float)) and not isinstance(rating, bool)
    if "rating" in found and not (number and 0 <= rating <= 1):
        raise RefusedError(400, f"the rating {str(rating)[:40]}; expected a number from 0 to 1; scale it")
    return found["id"], labels, rating


def _drawn(model: Model, one: One) -> str:
    if one.monitor.rows:
        return str(model.run.monitor_page(one.monitor, list(one.events)))
    counts = f"{one.monitor.examples:,} examples were observed. The first comparison is made after"
    return _frame(f"{model.name} {model.version}", f"<p>{counts} {one.monitor.window // 4:,}.</p>")


def _row(monitor: Any, names: Any) -> str:
    """A line of the overview. Names of models are letters, digits and . _ - alone; those of rules are anybody's."""
    on = html.escape(", ".join(rule for rule, is_on in monitor["alarms"].items() if is_on)) or "no alarm is on"
    name, version = names["model"], names["version"]
    link = f'<a href="/monitor/{name}/{version}">{name} {version}</a>'
    return f"<li>{link}: {monitor['examples']:,} examples; {on}</li>"


def _frame(title: str, body: str) -> str:
    style = "body{font:15px/1.5 sans-serif;margin:2em}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{style}</style>'
        f"<h1>{title}</h1>{body}</html>"
    )


def _page(text: str) -> Response:
    return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY})
