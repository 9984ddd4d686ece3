"""What writes texts: the language model of a run, or one that others trained."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import powertrain as pt
from powertrain_serve.errors import RefusedError, ServeError

PRETRAINED = "smollm2"  # the one that is known by its name
_FEW = 2  # automata of schemas that are kept; each may take some tens of megabytes


class Writer:
    """A language model, its tokenizer, and what `/v1` asks of both.

    stream      continues a prompt, as run.stream does
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self.tokenizer = model, tokenizer
        self._constraints: dict[str, Any] = {}

    def stream(self, prompt: Any, **settings: Any) -> Iterator[pt.nn.Written]:
        found: Iterator[pt.nn.Written] = self._model.stream(prompt, **settings)
        return found

    def encoded(self, text: str) -> list[int]:
        tokens: list[int] = self.tokenizer.encode(text).tolist()
        return tokens

    def chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """The tokens that ask for the next turn of a conversation."""
        text = _text_library("a chat needs")
        try:
            found: list[int] = text.chat_tokens(self.tokenizer, messages)
            return found
        except pt.Error as error:
            raise RefusedError(400, f"{error}; or ask /v1/completions") from None

    def constraint(self, name: str, schema: Mapping[str, Any]) -> Any:
        """What holds a text to a JSON schema; `name` is the schema as a text. The last ones are kept."""
        found = self._constraints.pop(name, None)
        if found is None:
            found = _text_library("response_format needs").JsonSchema(schema, self._bytes)
            while len(self._constraints) >= _FEW:
                del self._constraints[next(iter(self._constraints))]
        self._constraints[name] = found
        return found

    @cached_property
    def _bytes(self) -> _KnownBytes:
        if not hasattr(self.tokenizer, "token_bytes"):
            raise RefusedError(400, "a tokenizer that does not say what its tokens write; expected no response_format")
        return _KnownBytes(self.tokenizer.token_bytes())


class _KnownBytes:
    """What each token writes; a large tokenizer takes a while to say it."""

    def __init__(self, tokens: list[bytes]) -> None:
        self._tokens = tokens

    def token_bytes(self) -> list[bytes]:
        return self._tokens


def _text_library(why: str) -> Any:
    if importlib.util.find_spec("powertrain_text") is None:
        raise RefusedError(
            400, f"{why} powertrain-text, which is not installed here; expected it; pip install powertrain-text"
        )
    return importlib.import_module("powertrain_text")


def is_pretrained(path: Path) -> bool:
    """Whether a path is that of a language model which others trained, and of no run."""
    if str(path) == PRETRAINED and not path.exists():
        return True
    return path.suffix == ".gguf" or ((path / "config.json").is_file() and not (path / "checkpoints").exists())


def pretrained(path: Path) -> Writer:
    """A GGUF file, or a folder of Hugging Face's."""
    if importlib.util.find_spec("powertrain_text") is None:
        raise ServeError(
            f"[serve {path}] a language model of others, and no powertrain-text; expected it, to read the file; "
            "pip install 'powertrain-text[tokenizers]'"
        )
    found = importlib.import_module("powertrain_text").load(path)
    return Writer(found, found.tokenizer)
