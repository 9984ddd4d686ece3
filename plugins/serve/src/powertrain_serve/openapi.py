"""The OpenAPI description of the server, and a page of it that needs nothing from the network."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Any

import powertrain as pt
from powertrain_serve.arrow import ARROW
from powertrain_serve.bodies import CONTENT_TYPES, JSON, NPY
from powertrain_serve.openai_api import EVENTS
from powertrain_serve.table import Table
from powertrain_serve.tensors import KNOWN
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
    "503": "No model is loaded, no answer in time, or the server is ending; see Retry-After.",
}
_OF_ALL = ("401", "421", "503")


def schema(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: Iterable[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


_TEXT, _WHOLE = {"type": "string"}, {"type": "integer", "minimum": 0}
_TEXTS = {"type": "array", "items": _TEXT}
_COUNT = {"type": "integer", "minimum": 1}
_SAMPLED: dict[str, Any] = {
    "max_tokens": _COUNT, "n": _COUNT, "seed": _WHOLE, "top_k": _COUNT, "user": _TEXT,
    "temperature": {"type": "number", "minimum": 0, "maximum": 2},
    "top_p": {"type": "number", "minimum": 0, "maximum": 1}, "min_p": {"type": "number", "minimum": 0, "maximum": 1},
    "repetition_penalty": {"type": "number", "minimum": 0.01, "maximum": 100},
    "stop": {"oneOf": [_TEXT, {"type": "array", "items": _TEXT, "maxItems": 16}]},
    "stream": {"type": "boolean"}, "stream_options": {"type": "object"}, "response_format": {"type": "object"},
}  # fmt: skip
SCHEMAS: dict[str, Any] = {
    "Error": _object(["error"], error=_TEXT),
    "Examples": {
        **_object(["examples"], examples={
            "type": "array", "minItems": 1,
            "items": {"oneOf": [_TEXT, {"type": "number"}, {"type": "array"}, {"type": "object"}]},
            "description": "Numbers of the model's shape, texts, or rows with the names of their columns.",
        }),
        "additionalProperties": False,
    },
    "Predictions": _object(
        ["model", "version", "predictions"], model=_TEXT, version=_TEXT,
        predictions={"type": "array", "items": {"type": "object"}},
    ),
    "Feedback": {
        **_object(
            ["id"], id=_TEXT, labels={"type": "array", "minItems": 1},
            rating={"type": "number", "minimum": 0, "maximum": 1},
        ),
        "additionalProperties": False,
    },
    "Noted": _object(["id", "model", "version"], id=_TEXT, model=_TEXT, version=_TEXT, labels=_WHOLE),
    "OpenAiError": _object(["error"], error=_object(["message", "type"], message=_TEXT, type=_TEXT)),
    "OpenAiModel": _object(["id", "object"], id=_TEXT, object=_TEXT),
    "OpenAiModels": _object(["object", "data"], object=_TEXT, data={"type": "array", "items": schema("OpenAiModel")}),
    "AskedCompletion": {
        **_object(
            ["model", "prompt"], model=_TEXT, prompt={"oneOf": [_TEXT, {"type": "array", "minItems": 1}]}, **_SAMPLED
        ),
        "additionalProperties": False,
    },
    "AskedChat": {
        **_object(
            ["model", "messages"], model=_TEXT, messages={"type": "array", "minItems": 1, "items": schema("Turn")},
            max_completion_tokens=_COUNT, **_SAMPLED,
        ),
        "additionalProperties": False,
    },
    "Turn": _object(
        ["role", "content"], content=_TEXT,
        role={"type": "string", "enum": ["system", "developer", "user", "assistant"]},
    ),
    "Written": _object(
        ["id", "object", "model", "choices", "usage"], id=_TEXT, object=_TEXT, model=_TEXT,
        choices={"type": "array", "items": {"type": "object"}}, usage={"type": "object"},
    ),
    "Models": _object(["models"], models={"type": "array", "items": {"type": "object"}}),
    "Live": _object(["live"], live={"type": "boolean"}),
    "Ready": _object(["ready"], ready={"type": "boolean"}),
    "Server": _object(["name", "version", "extensions"], name=_TEXT, version=_TEXT, extensions=_TEXTS),
    "Metadata": _object(
        ["name", "versions", "platform", "inputs", "outputs"], name=_TEXT, versions=_TEXTS, platform=_TEXT,
        inputs={"type": "array", "items": {"type": "object"}}, outputs={"type": "array", "items": {"type": "object"}},
    ),
    "Tensor": _object(
        ["name", "shape", "datatype"], name=_TEXT, shape={"type": "array", "items": _WHOLE, "maxItems": 8},
        datatype={"type": "string", "enum": list(KNOWN)}, parameters={"type": "object"}, data={"type": "array"},
    ),
    "Infer": {
        **_object(
            ["inputs"], id={"type": "string", "maxLength": 256}, parameters={"type": "object"},
            inputs={"type": "array", "items": schema("Tensor")}, outputs={"type": "array", "items": {"type": "object"}},
        ),
        "additionalProperties": False,
    },
    "Inferred": _object(
        ["model_name", "model_version", "outputs"], model_name=_TEXT, model_version=_TEXT, id=_TEXT,
        outputs={"type": "array", "items": schema("Tensor")},
    ),
    "Index": {"type": "array", "items": {"type": "object"}},
}  # fmt: skip


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


def _post(summary: str, body: dict[str, Any], good: dict[str, Any], error: str = "Error") -> dict[str, Any]:
    statuses = ("400", "403", "404", "408", "413", "415", "429")
    return {
        "post": {
            "summary": summary, "requestBody": {"required": True, "content": body},
            "responses": _responses(good, *statuses, error=error),
        }
    }  # fmt: skip


def _with_names(path: str, methods: dict[str, Any], known: dict[str, list[str]]) -> dict[str, Any]:
    names = [name for name in ("name", "version") if f"{{{name}}}" in path]
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "enum": known[name]}}
        for name in names
    ]
    return {**methods, **({"parameters": parameters} if names else {})}


def description(table: Table, token: bool) -> dict[str, Any]:
    """The server's description, with the names and versions of a table."""
    versions = {version for one in table.names.values() for version in (*one.models, *one.aliases)}
    known = {"name": list(table.names), "version": sorted(versions)}
    files: dict[str, Any] = {}
    for content_type in CONTENT_TYPES[1:]:
        files |= _binary(content_type)
    predicted = _json("Predictions", "One answer for each example.")
    predicted["content"] |= {**_binary(NPY), **_binary(ARROW)}
    predict = _post("Predict", {JSON: {"schema": schema("Examples")}, **files}, predicted)
    inferred = _json("Inferred", "The outputs.")
    inferred["content"] |= _binary("application/octet-stream")
    infer = _post(
        "Infer by the Open Inference Protocol",
        {JSON: {"schema": schema("Infer")}, **_binary("application/octet-stream")}, inferred,
    )  # fmt: skip
    infer["post"]["parameters"] = [{
        "name": HEADER, "in": "header", "schema": _WHOLE,
        "description": "The bytes of the JSON, where tensors follow it as bytes.",
    }]  # fmt: skip
    written = _json("Written", "The text; with stream as server-sent events.")
    written["content"] |= {EVENTS: {"schema": _TEXT}}
    model, version = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"
    paths = {
        "/predict": predict,
        "/models": _get("The models, and what they take", "Models"),
        "/models/{name}/predict": predict,
        "/models/{name}/versions/{version}/predict": predict,
        "/feedback": _post(
            "Labels or a rating of a request, by its X-Request-Id",
            {JSON: {"schema": schema("Feedback")}},
            _json("Noted", "What it was noted for."),
        ),
        "/v1/models": _get("The language models, by OpenAI's API", "OpenAiModels", error="OpenAiError"),
        "/v1/models/{name}": _get("A model, by OpenAI's API", "OpenAiModel", "404", error="OpenAiError"),
        "/v1/completions": _post(
            "Go on with a text, by OpenAI's API", {JSON: {"schema": schema("AskedCompletion")}}, written, "OpenAiError"
        ),
        "/v1/chat/completions": _post(
            "Answer in a chat, by OpenAI's API", {JSON: {"schema": schema("AskedChat")}}, written, "OpenAiError"
        ),
        "/v2": _get("The server", "Server"),
        "/v2/health/live": _get("Whether the server lives", "Live"),
        "/v2/health/ready": _get("Whether models can be asked", "Ready"),
        model: _get("What a model takes and gives", "Metadata", "404"),
        version: _get("What a version takes and gives", "Metadata", "404"),
        f"{model}/ready": _get("Whether a model can be asked", "Ready", "404"),
        f"{version}/ready": _get("Whether a version can be asked", "Ready", "404"),
        f"{model}/infer": infer,
        f"{version}/infer": infer,
    }
    found: dict[str, Any] = {
        "openapi": "3.0.3",
        "info": {
            "title": "powertrain serve", "version": pt.__version__,
            "description": f"Models: {', '.join(table.names) or 'none yet'}.",
        },
        "paths": {path: _with_names(path, methods, known) for path, methods in paths.items()},
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
