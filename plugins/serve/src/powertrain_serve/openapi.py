"""The OpenAPI description of the server, and a page of it that needs nothing from the network."""

from __future__ import annotations

import html
import json
from typing import Any

import powertrain as pt
from powertrain_serve.arrow import ARROW
from powertrain_serve.bodies import FILES, JSON, NPY
from powertrain_serve.examples import to_complete, to_infer, to_predict
from powertrain_serve.openai_api import EVENTS
from powertrain_serve.schemas import SCHEMAS, TEXT, WHOLE, schema
from powertrain_serve.table import Table
from powertrain_serve.v2 import HEADER

_REASONS = {
    "400": "A request that cannot be answered, with the reason.",
    "401": "No valid token.",
    "403": "A request of another site's page, to a server without a token.",
    "404": "No such model, version or path.",
    "405": "Another method.",
    "408": "The request did not come in time.",
    "413": "Too many bytes, examples or pixels.",
    "415": "A content type or encoding that is not read.",
    "421": "A Host that is not this machine.",
    "429": "Too many requests wait; see Retry-After.",
    "503": "No model is loaded, no answer in time, or the server is shutting down; see Retry-After.",
}
_OF_ALL = ("401", "421", "503")
HTML, BYTES = "text/html", "application/octet-stream"


def _responses(good: dict[str, Any], *statuses: str, error: str = "Error") -> dict[str, Any]:
    of_error = {"content": {JSON: {"schema": schema(error)}}}
    wanted = sorted({*statuses, *_OF_ALL})
    return {"200": good, **{status: {"description": _REASONS[status], **of_error} for status in wanted}}


def _json(name: str, text: str) -> dict[str, Any]:
    return {"description": text, "content": {JSON: {"schema": schema(name)}}}


def _binary(content_type: str) -> dict[str, Any]:
    return {content_type: {"schema": {"type": "string", "format": "binary"}}}


def _get(summary: str, name: str, *statuses: str, error: str = "Error") -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": _responses(_json(name, summary), *statuses, error=error)}}


def _page(summary: str, content_type: str, *statuses: str) -> dict[str, Any]:
    good = {"description": summary, "content": {content_type: {"schema": TEXT}}}
    return {"get": {"summary": summary, "responses": _responses(good, *statuses)}}


def _order(summary: str, name: str, *statuses: str) -> dict[str, Any]:
    """A POST whose body says nothing."""
    return {"post": {"summary": summary, "responses": _responses(_json(name, summary), "403", *statuses)}}


def _post(summary: str, body: dict[str, Any], good: dict[str, Any], error: str = "Error") -> dict[str, Any]:
    statuses = ("400", "403", "404", "408", "413", "415", "429")
    return {
        "post": {
            "summary": summary, "requestBody": {"required": True, "content": body},
            "responses": _responses(good, *statuses, error=error),
        }
    }  # fmt: skip


def _taken(name: str, example: dict[str, Any] | None = None) -> dict[str, Any]:
    """A body of JSON, with one that is answered."""
    return {JSON: {"schema": schema(name), **({} if example is None else {"example": example})}}


def _parameter(name: str, values: list[str], example: str | None) -> dict[str, Any]:
    found = {"name": name, "in": "path", "required": True, "schema": {"type": "string", "enum": values}}
    return found if example is None else {**found, "example": example}


def _with_names(paths: dict[str, Any], table: Table) -> dict[str, Any]:
    """Paths with the names and versions of a table; those of its first model are examples."""
    versions = {version for one in table.names.values() for version in (*one.models, *one.aliases)}
    known = {"name": list(table.names), "version": sorted(versions)}
    first = {"name": known["name"][0], "version": table.versions(None).live} if table.names else {}
    named = {name: _parameter(name, values, first.get(name)) for name, values in known.items()}

    def parameters(path: str) -> dict[str, Any]:
        found = [one for name, one in named.items() if f"{{{name}}}" in path]
        return {"parameters": found} if found else {}

    return {path: {**methods, **parameters(path)} for path, methods in paths.items()}


def _predict(example: dict[str, Any] | None) -> dict[str, Any]:
    good = _json("Predictions", "One answer for each example.")
    good["content"] |= {**_binary(NPY), **_binary(ARROW)}
    taken = _taken("Examples", example)
    for content_type in FILES:
        taken |= _binary(content_type)
    return _post("Predict", taken, good)


def _infer(example: dict[str, Any] | None) -> dict[str, Any]:
    good = _json("Inferred", "The outputs.")
    good["content"] |= _binary(BYTES)
    taken = {**_taken("Infer", example), **_binary(BYTES)}
    found = _post("Infer by the Open Inference Protocol", taken, good)
    found["post"]["parameters"] = [{
        "name": HEADER, "in": "header", "schema": WHOLE,
        "description": "The bytes of the JSON, where tensors follow it as bytes.",
    }]  # fmt: skip
    return found


def _write(summary: str, name: str, example: dict[str, Any] | None = None) -> dict[str, Any]:
    good = _json("Written", "The text; with stream as server-sent events.")
    good["content"] |= {EVENTS: {"schema": TEXT}}
    return _post(summary, _taken(name, example), good, "OpenAiError")


def _paths(table: Table) -> dict[str, Any]:
    """What is answered on each path. The first model of the table, and the first that writes, have examples."""
    first = table.versions(None).live_model if table.names else None
    writer = next((model for model in table.models() if model.writes), None)
    predict = _predict(to_predict(first) if first else None)
    infer = _infer(to_infer(first) if first else None)
    model, version = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"
    return {
        "/predict": predict,
        "/models": _get("The models, and what they take", "Models"),
        "/models/{name}/predict": predict,
        "/models/{name}/versions/{version}/predict": predict,
        "/feedback": _post(
            "Labels or a rating of a request, by its X-Request-Id",
            _taken("Feedback"),
            _json("Noted", "What it was noted for."),
        ),
        "/v1/models": _get("The language models, by OpenAI's API", "OpenAiModels", error="OpenAiError"),
        "/v1/models/{name}": _get("A model, by OpenAI's API", "OpenAiModel", "404", error="OpenAiError"),
        "/v1/completions": _write(
            "Go on with a text, by OpenAI's API", "AskedCompletion", to_complete(writer) if writer else None
        ),
        "/v1/chat/completions": _write("Answer in a chat, by OpenAI's API", "AskedChat"),
        "/v2": _get("The server", "Server"),
        "/v2/health/live": _get("Whether the server lives", "Live"),
        "/v2/health/ready": _get("Whether models can be asked", "Ready"),
        model: _get("What a model takes and gives", "Metadata", "404"),
        version: _get("What a version takes and gives", "Metadata", "404"),
        f"{model}/ready": _get("Whether a model can be asked", "Ready", "404"),
        f"{version}/ready": _get("Whether a version can be asked", "Ready", "404"),
        f"{model}/infer": infer,
        f"{version}/infer": infer,
        "/v2/repository/index": _order("The models of the repository", "Index"),
        "/v2/repository/models/{name}/load": _order(
            "Load the models again, and switch to them", "Loaded", "400", "404"
        ),
        "/monitor": _page("The models that are watched", HTML),
        "/monitor/{name}": _page("What the live version is asked, beside its training data", HTML, "404"),
        "/monitor/{name}/{version}": _page("What a version is asked, beside its training data", HTML, "404"),
        "/metrics": _page("Counts and times for Prometheus", "text/plain", "404"),
    }


def description(table: Table, token: bool) -> dict[str, Any]:
    """The server's description, with the names and versions of a table."""
    found: dict[str, Any] = {
        "openapi": "3.0.3",
        "info": {
            "title": "powertrain serve", "version": pt.__version__,
            "description": f"Models: {', '.join(table.names) or 'none yet'}.",
        },
        "paths": _with_names(_paths(table), table),
        "components": {"schemas": SCHEMAS},
    }  # fmt: skip
    if token:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


def page(found: dict[str, Any]) -> str:
    """The description as one page, without scripts."""
    rows = []
    for path, methods in found["paths"].items():
        for method, one in methods.items():
            if method in ("get", "post"):
                takes = ", ".join(one.get("requestBody", {}).get("content", {}))
                gives = ", ".join(f"{status}: {what['description']}" for status, what in one["responses"].items())
                cells = (method.upper(), path, one["summary"], takes, gives)
                rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    schemas = html.escape(json.dumps(found["components"]["schemas"], indent=1, allow_nan=False))
    title, about = html.escape(found["info"]["title"]), html.escape(found["info"]["description"])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        "<style>body{font:15px/1.5 sans-serif;margin:2em}td,th{border-bottom:1px solid #ccc;padding:.3em .6em;"
        "vertical-align:top;text-align:left}table{border-collapse:collapse}</style>"
        f"<h1>{title}</h1><p>{about} The same for programs: <a href='openapi.json'>openapi.json</a>.</p>"
        "<table><tr><th>Method<th>Path<th>What<th>Takes<th>Gives</tr>" + "".join(rows) + "</table>"
        f"<h2>Schemas</h2><pre>{schemas}</pre></html>"
    )
