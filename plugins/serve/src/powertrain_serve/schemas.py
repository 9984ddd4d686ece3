"""The forms of JSON that the server takes and gives, as OpenAPI names them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from powertrain_serve.tensors import KNOWN


def schema(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: Iterable[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


TEXT, WHOLE = {"type": "string"}, {"type": "integer", "minimum": 0}
_TEXTS = {"type": "array", "items": TEXT}
_COUNT = {"type": "integer", "minimum": 1}
_SAMPLED: dict[str, Any] = {
    "max_tokens": _COUNT, "n": _COUNT, "seed": WHOLE, "top_k": _COUNT, "user": TEXT,
    "temperature": {"type": "number", "minimum": 0, "maximum": 2},
    "top_p": {"type": "number", "minimum": 0, "maximum": 1}, "min_p": {"type": "number", "minimum": 0, "maximum": 1},
    "repetition_penalty": {"type": "number", "minimum": 0.01, "maximum": 100},
    "stop": {"oneOf": [TEXT, {"type": "array", "items": TEXT, "maxItems": 16}]},
    "stream": {"type": "boolean"}, "stream_options": {"type": "object"}, "response_format": {"type": "object"},
}  # fmt: skip
SCHEMAS: dict[str, Any] = {
    "Error": _object(["error"], error=TEXT),
    "Examples": {
        **_object(["examples"], examples={
            "type": "array", "minItems": 1,
            "items": {"oneOf": [TEXT, {"type": "number"}, {"type": "array"}, {"type": "object"}]},
            "description": "Numbers of the model's shape, texts, or rows with the names of their columns.",
        }),
        "additionalProperties": False,
    },
    "Predictions": _object(
        ["model", "version", "predictions"], model=TEXT, version=TEXT,
        predictions={"type": "array", "items": {"type": "object"}},
    ),
    "Feedback": {
        **_object(
            ["id"], id=TEXT, labels={"type": "array", "minItems": 1},
            rating={"type": "number", "minimum": 0, "maximum": 1},
        ),
        "additionalProperties": False,
    },
    "Noted": _object(["id", "model", "version"], id=TEXT, model=TEXT, version=TEXT, labels=WHOLE),
    "OpenAiError": _object(["error"], error=_object(["message", "type"], message=TEXT, type=TEXT)),
    "OpenAiModel": _object(["id", "object"], id=TEXT, object=TEXT),
    "OpenAiModels": _object(["object", "data"], object=TEXT, data={"type": "array", "items": schema("OpenAiModel")}),
    "AskedCompletion": {
        **_object(
            ["model", "prompt"], model=TEXT, prompt={"oneOf": [TEXT, {"type": "array", "minItems": 1}]}, **_SAMPLED
        ),
        "additionalProperties": False,
    },
    "AskedChat": {
        **_object(
            ["model", "messages"], model=TEXT, messages={"type": "array", "minItems": 1, "items": schema("Turn")},
            max_completion_tokens=_COUNT, **_SAMPLED,
        ),
        "additionalProperties": False,
    },
    "Turn": _object(
        ["role", "content"], content=TEXT,
        role={"type": "string", "enum": ["system", "developer", "user", "assistant"]},
    ),
    "Written": _object(
        ["id", "object", "model", "choices", "usage"], id=TEXT, object=TEXT, model=TEXT,
        choices={"type": "array", "items": {"type": "object"}}, usage={"type": "object"},
    ),
    "Models": _object(["models"], models={"type": "array", "items": {"type": "object"}}),
    "Live": _object(["live"], live={"type": "boolean"}),
    "Ready": _object(["ready"], ready={"type": "boolean"}),
    "Server": _object(["name", "version", "extensions"], name=TEXT, version=TEXT, extensions=_TEXTS),
    "Metadata": _object(
        ["name", "versions", "platform", "inputs", "outputs"], name=TEXT, versions=_TEXTS, platform=TEXT,
        inputs={"type": "array", "items": {"type": "object"}}, outputs={"type": "array", "items": {"type": "object"}},
    ),
    "Tensor": _object(
        ["name", "shape", "datatype"], name=TEXT, shape={"type": "array", "items": WHOLE, "maxItems": 8},
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
        ["model_name", "model_version", "outputs"], model_name=TEXT, model_version=TEXT, id=TEXT,
        outputs={"type": "array", "items": schema("Tensor")},
    ),
    "Indexed": _object(
        ["name", "version", "state", "reason"], name=TEXT, version=TEXT, state=TEXT, reason=TEXT
    ),
    "Index": {"type": "array", "items": schema("Indexed")},
    "Loaded": _object(["name", "state"], name=TEXT, state=TEXT),
}  # fmt: skip
