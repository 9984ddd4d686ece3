"""SmolLM2-135M-Instruct for every framework: its weights, its tokens, and the rule by which it is timed.

A framework's decoder has `begin()`, which forgets all sequences, and `read(tokens)`, which appends tokens
[batch, time] and gives the scores [batch, words] behind the last ones, as a NumPy array of float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from powertrain_text.checkpoints import Checkpoint

PROMPT = 64  # tokens that a sequence begins with where single tokens are timed
TOKENS = 64  # and how many follow before it begins anew
LONG_PROMPT = 256
CONTEXT = 512
Tokens = NDArray[np.int64]


class Decoder(Protocol):
    def begin(self) -> None: ...
    def read(self, tokens: Tokens) -> NDArray[np.float32]: ...


def checkpoint() -> Checkpoint:
    from powertrain_text.pretrained import checkpoint_of

    return checkpoint_of("smollm2", "smollm2", Path())


def tokens(batch: int, time: int) -> Tokens:
    """Any tokens, the same for everyone."""
    return np.random.default_rng(7).integers(0, 49_152, (batch, time))


def timed(kind: str, batch: int, decoder: Decoder) -> Callable[[], NDArray[np.float32]]:
    """What is timed: `prompt` reads one of 256 tokens; `token` reads the next token of each sequence, behind 64 to 127
    others, and the choice of the likeliest one is part of it."""
    if kind == "prompt":
        prompt = tokens(batch, LONG_PROMPT)

        def read_prompt() -> NDArray[np.float32]:
            decoder.begin()
            return decoder.read(prompt)

        return read_prompt
    given, at = tokens(batch, PROMPT + TOKENS), PROMPT + TOKENS

    def next_token() -> NDArray[np.float32]:
        nonlocal at
        if at == PROMPT + TOKENS:
            decoder.begin()
            decoder.read(given[:, :PROMPT])
            at = PROMPT
        scores = decoder.read(given[:, at : at + 1])
        scores.argmax(axis=1)
        at += 1
        return scores

    return next_token


def huggingface(found: Checkpoint) -> Mapping[str, Any]:
    """The settings of transformers' LlamaConfig."""
    params = found.params
    return {
        "vocab_size": found.vocabulary, "hidden_size": params.width, "intermediate_size": params.inner,
        "num_hidden_layers": params.layers, "num_attention_heads": params.heads,
        "num_key_value_heads": params.shared_heads, "rms_norm_eps": params.eps, "rope_theta": params.base,
        "max_position_embeddings": found.context, "tie_word_embeddings": True,
    }  # fmt: skip
