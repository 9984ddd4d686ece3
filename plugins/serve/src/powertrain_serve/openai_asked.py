"""What a body of `/v1/completions` and `/v1/chat/completions` asks for, checked.

The fields are those of OpenAI's API. What this server does not do is refused, unless its value asks for nothing; `null`
is as good as no value. `top_k`, `min_p` and `repetition_penalty` are fields of ours.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import powertrain as pt
from powertrain_serve.bodies import parsed_json
from powertrain_serve.errors import RefusedError
from powertrain_serve.model import Model
from powertrain_serve.settings import Limits
from powertrain_serve.writers import Writer

USUAL = 16  # new tokens of a completion, as in OpenAI's API
USUAL_OF_CHAT = 512
_MOST_STOPS, _MOST_STOP = 16, 256  # stop texts, and the letters of one
_SHARED = {
    "model", "max_tokens", "temperature", "top_p", "n", "stream", "stream_options", "stop", "seed", "user",
    "response_format", "top_k", "min_p", "repetition_penalty",
}  # fmt: skip
_OF_COMPLETION = {*_SHARED, "prompt"}
_OF_CHAT = {*_SHARED, "messages", "max_completion_tokens"}
# Fields that are taken with these values, which ask for nothing.
_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "frequency_penalty": (0,), "presence_penalty": (0,), "logit_bias": ({},), "logprobs": (False,), "best_of": (1,),
    "echo": (False,), "suffix": ("",), "tools": ([],), "tool_choice": ("none", "auto"), "store": (False,),
    "parallel_tool_calls": (True, False), "modalities": (["text"],), "metadata": ({},), "top_logprobs": (0,),
    "service_tier": ("auto", "default"),
}  # fmt: skip
_FORMS = '{"type": "text"} or {"type": "json_schema", "json_schema": {"name": ..., "schema": {...}}}'
_TEXTS = {"text", "input_text"}  # types of a part of a message


@dataclass(frozen=True)
class Asked:
    """A request for texts: one row of tokens for each, and how they go on."""

    chat: bool
    prompts: list[list[int]]
    n: int  # texts for each prompt
    settings: dict[str, Any]
    stream: bool
    usage: bool  # at the end of a stream

    @property
    def rows(self) -> list[list[int]]:
        return [tokens for tokens in self.prompts for _ in range(self.n)]


def body_of(content: bytes) -> dict[str, Any]:
    found = parsed_json(content)
    if not isinstance(found, dict):
        raise RefusedError(400, "JSON that is not an object; expected one with model and prompt or messages; see /docs")
    return {name: value for name, value in found.items() if value is not None}


def model_name(body: Mapping[str, Any]) -> tuple[str, str | None]:
    """The model and the version that a body names: NAME or NAME:VERSION."""
    given = body.get("model")
    if not isinstance(given, str):
        raise RefusedError(400, f"model = {_shown(given)}; expected the name of a model; GET /v1/models lists them")
    name, colon, version = given.partition(":")
    return name, version if colon else None


def asked(body: Mapping[str, Any], chat: bool, model: Model, limits: Limits) -> Asked:
    """A request, checked and encoded."""
    writer = model.writer
    if writer is None:
        raise RefusedError(400, f"{model.name} answers to examples; expected a language model; POST /predict")
    _demand_known(body, chat)
    n = _whole(body, "n", 1, 1, limits.choices)
    prompts = [_chat(body, writer)] if chat else _prompts(body, writer)
    count = len(prompts) * n
    if count > limits.choices:
        raise RefusedError(400, f"{count} texts; expected at most {limits.choices}; send several requests")
    most = _most(body, chat, prompts, n, limits)
    settings: dict[str, Any] = {
        "max_new_tokens": most,
        "temperature": _number(body, "temperature", 1.0, 0, 2),
        "seed": _whole(body, "seed", None, 0, 2**63 - 1),
        "stop": _stops(body),
        "repetition_penalty": _number(body, "repetition_penalty", 1.0, 0.01, 100),
        "top_p": _number(body, "top_p", None, 0, 1),
        "min_p": _number(body, "min_p", None, 0, 1),
        "top_k": _whole(body, "top_k", None, 1, 2**31),
    }
    if settings["seed"] is None:  # as the others have it: two requests get two texts
        settings["seed"] = secrets.randbits(63)
    schema = _schema(body)
    if schema is not None:
        settings["constraint"] = _constraint(writer, schema, most)
    stream = _flag(body, "stream")
    options = body.get("stream_options", {})
    if not isinstance(options, dict) or set(options) - {"include_usage", "include_obfuscation"}:
        raise RefusedError(400, f"stream_options = {_shown(options)}; expected include_usage; leave the others out")
    return Asked(chat, prompts, n, settings, stream, _flag(options, "include_usage"))


def _demand_known(body: Mapping[str, Any], chat: bool) -> None:
    known = _OF_CHAT if chat else _OF_COMPLETION
    for name, value in body.items():
        if name in known or (name in _NEUTRAL and any(value == one for one in _NEUTRAL[name])):
            continue
        wanted = f"expected {_shown(_NEUTRAL[name][0])}" if name in _NEUTRAL else f"expected {', '.join(sorted(known))}"
        raise RefusedError(400, f"{name[:80]} = {_shown(value)}; {wanted}; leave it out")


def _prompts(body: Mapping[str, Any], writer: Writer) -> list[list[int]]:
    """A text, several, a row of tokens, or several."""
    given = body.get("prompt")
    if isinstance(given, str):
        return [_encoded(writer, given)]
    if isinstance(given, list) and given:
        if all(isinstance(one, str) for one in given):
            return [_encoded(writer, one) for one in given]
        if all(type(one) is int for one in given):
            return [_tokens(writer, given)]
        if all(isinstance(one, list) and one and all(type(token) is int for token in one) for one in given):
            return [_tokens(writer, one) for one in given]
    raise RefusedError(400, f"prompt = {_shown(given)}; expected a text, or a list of texts or of tokens; send one")


def _encoded(writer: Writer, text: str) -> list[int]:
    tokens = writer.encoded(text)
    if not tokens:
        raise RefusedError(400, "an empty prompt; expected at least one token; begin with a word or a line break")
    return tokens


def _tokens(writer: Writer, given: Sequence[int]) -> list[int]:
    size = len(writer.tokenizer)
    if not all(0 <= token < size for token in given):
        raise RefusedError(
            400, f"tokens beyond the model's; expected 0 to {size - 1}; encode the text with its tokenizer"
        )
    return list(given)


def _chat(body: Mapping[str, Any], writer: Writer) -> list[int]:
    given = body.get("messages")
    if not isinstance(given, list) or not given:
        raise RefusedError(400, f"messages = {_shown(given)}; expected a list of turns with role and content; send one")
    return writer.chat([_turn(one, place) for place, one in enumerate(given)])


def _turn(given: Any, place: int) -> dict[str, str]:
    content = given.get("content") if isinstance(given, dict) else None
    if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") in _TEXTS for part in content):
        content = "".join(str(part.get("text", "")) for part in content)
    if not isinstance(content, str) or not isinstance(given.get("role"), str):
        raise RefusedError(
            400, f"messages[{place}] = {_shown(given)}; expected a role, and a text as content; correct the turn"
        )
    role = "system" if given["role"] == "developer" else given["role"]
    return {"role": role, "content": content}


def _most(body: Mapping[str, Any], chat: bool, prompts: Sequence[Sequence[int]], n: int, limits: Limits) -> int:
    """How many tokens each text may have; with all prompts within the limit."""
    held = sum(map(len, prompts)) * n
    room = (limits.tokens - held) // (len(prompts) * n)
    if room < 1:
        raise RefusedError(
            400, f"prompts of {held:,} tokens; expected fewer than {limits.tokens:,} with what follows; shorten them"
        )
    name = "max_completion_tokens" if "max_completion_tokens" in body else "max_tokens"
    usual = min(USUAL_OF_CHAT if chat else USUAL, room)
    return _whole(body, name, usual, 1, room)


def _stops(body: Mapping[str, Any]) -> list[str]:
    given = body.get("stop", [])
    several = [given] if isinstance(given, str) else given
    fits = isinstance(several, list) and len(several) <= _MOST_STOPS
    if not fits or not all(isinstance(one, str) and 0 < len(one) <= _MOST_STOP for one in several):
        raise RefusedError(
            400,
            f"stop = {_shown(given)}; expected at most {_MOST_STOPS} texts of up to {_MOST_STOP} letters; shorten it",
        )
    return list(several)


def _schema(body: Mapping[str, Any]) -> dict[str, Any] | None:
    form = body.get("response_format", {"type": "text"})
    if form == {"type": "text"}:
        return None
    inner = form.get("json_schema") if isinstance(form, dict) and form.get("type") == "json_schema" else None
    schema = inner.get("schema") if isinstance(inner, dict) else None
    if not isinstance(schema, dict):
        raise RefusedError(400, f"response_format = {_shown(form)}; expected {_FORMS}; give a schema")
    return schema


def _constraint(writer: Writer, schema: dict[str, Any], most: int) -> Any:
    try:
        found = writer.constraint(json.dumps(schema, allow_nan=False), schema)
    except RefusedError:
        raise
    except pt.Error as error:
        raise RefusedError(400, f"response_format: {error}") from None
    if found.shortest > most:
        raise RefusedError(
            400, f"max_tokens = {most} for a schema whose shortest text has {found.shortest} bytes; expected as many; "
            "raise max_tokens"
        )  # fmt: skip
    return found


def _whole(body: Mapping[str, Any], name: str, usual: Any, low: int, high: int) -> Any:
    value = body.get(name, usual)
    if name in body and (type(value) is not int or not low <= value <= high):
        raise RefusedError(400, f"{name} = {_shown(value)}; expected a whole number from {low} to {high}; change it")
    return value


def _number(body: Mapping[str, Any], name: str, usual: Any, low: float, high: float) -> Any:
    value = body.get(name, usual)
    fits = isinstance(value, (int, float)) and not isinstance(value, bool)
    if name in body and not (fits and math.isfinite(value) and low <= value <= high):
        raise RefusedError(400, f"{name} = {_shown(value)}; expected a number from {low} to {high}; change it")
    return value


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if type(value) is not bool:
        raise RefusedError(400, f"{name} = {_shown(value)}; expected true or false; change it")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
