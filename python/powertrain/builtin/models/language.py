"""Language models: GPT (the form of GPT-2) and an LSTM. Tokens [batch, time] to logits [batch, time, words]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import powertrain as pt
from powertrain.nn import (
    LSTM,
    Dropout,
    Embedding,
    KVCache,
    LayerNorm,
    Linear,
    PositionEmbedding,
    Sequential,
    TransformerBlock,
    Unembedding,
)
from powertrain.plugin.model import Model
from powertrain.plugin.model_inputs import ModelError, check_task
from powertrain.plugin.params import param
from powertrain.plugin.protocols import Inputs

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.nn import CacheStep


class GPT(Model):
    """A decoder of pre-norm transformer blocks; the output layer is the token embedding (Radford et al. 2019).

    Example
        >>> from powertrain.builtin.models import GPT
        >>> model = GPT(vocabulary=50, context=16, params=GPT.Params(layers=1, heads=2, width=8))
        >>> model(pt.zeros((2, 16), dtype="int64")).shape
        (2, 16, 50)
    """

    TORCH_FORWARD = """
        def forward(self, tokens):
            x = self.dropout(self.wpe(self.wte(tokens)))
            return self.scores(self.ln_f(self.blocks(x)), self.wte.weight)
    """
    strategy = "next_token"

    @dataclass(frozen=True)
    class Params:
        layers: int = param(4, low=1, doc="transformer blocks")
        heads: int = param(4, low=1, doc="attention heads")
        width: int = param(128, low=1, doc="size of a token's vector; a multiple of heads")
        dropout: float = param(0.0, low=0, below=1, doc="share of values set to zero in training")

        def __post_init__(self) -> None:
            if self.width % self.heads:
                raise ValueError(
                    f"width = {self.width}, heads = {self.heads}; expected width to be a multiple of heads"
                )

    def __init__(self, vocabulary: int, context: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        self.wte = Embedding(vocabulary, params.width, std=0.02)
        self.wpe = PositionEmbedding(context, params.width)
        self.dropout = Dropout(params.dropout)
        self.blocks = Sequential(
            *(
                TransformerBlock(params.width, params.heads, depth=params.layers, dropout=params.dropout)
                for _ in range(params.layers)
            )
        )
        self.ln_f = LayerNorm(params.width)
        self.scores = Unembedding()
        self.context = context

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> GPT:
        check_task("gpt", inputs, "language")
        return cls(inputs.outputs, inputs.context or inputs.shape[0], params)

    def new_cache(self, batch_size: int, capacity: int) -> KVCache:
        """Room for the keys and values of so many tokens."""
        heads = self.blocks[0].heads
        size = self.wte.embedding_dim // heads
        return KVCache(len(self.blocks), batch_size, capacity, heads, size, like=self.wte.weight)

    def forward(self, tokens: Tensor, cache: CacheStep | None = None) -> pt.Tensor:
        """Scores of the next token behind every token; with a step of a cache, behind the last of each sequence.

        Shapes    tokens [batch, time] -> [batch, time, words], or [batch, 1, words]
        """
        time = tokens.shape[1]
        if cache is None and time > self.context:
            raise ModelError(f"[gpt] {time} tokens; expected at most context = {self.context}; cut the text")
        if cache is None:
            x = self.blocks(self.dropout(self.wpe(self.wte(tokens))))
        else:
            x = self.dropout(self.wpe(self.wte(tokens), cache.positions))
            for layer, block in enumerate(self.blocks):
                x = block(x, cache.layer(layer))
            x = cache.last(x)
        return self.scores(self.ln_f(x), self.wte.weight)


class LSTMLanguageModel(Model):
    """Embedding, one LSTM layer, and a linear layer at every step.

    Example
        >>> from powertrain.builtin.models import LSTMLanguageModel
        >>> LSTMLanguageModel(vocabulary=50)(pt.zeros((2, 16), dtype="int64")).shape
        (2, 16, 50)
    """

    TORCH_FORWARD = """
        def forward(self, tokens):
            states, _ = self.lstm(self.embedding(tokens))
            return self.head(states)
    """
    strategy = "next_token"

    @dataclass(frozen=True)
    class Params:
        embedding: int = param(64, low=1, doc="size of a token's vector")
        width: int = param(256, low=1, doc="size of the LSTM's state")

    def __init__(self, vocabulary: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        self.embedding = Embedding(vocabulary, params.embedding)
        self.lstm = LSTM(params.embedding, params.width)
        self.head = Linear(params.width, vocabulary)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> LSTMLanguageModel:
        check_task("lstm", inputs, "language")
        return cls(inputs.outputs, params)

    def forward(self, tokens: Tensor) -> pt.Tensor:
        y, _ = self.lstm(self.embedding(tokens))
        return self.head(y)
