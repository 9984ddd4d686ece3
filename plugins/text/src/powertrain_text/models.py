"""BERT, and a bag of tokens: encoders that see both sides of a token. GPT and LSTM are built in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import (
    Dropout,
    Embedding,
    LayerNorm,
    Linear,
    Module,
    PositionEmbedding,
    Sequential,
    TransformerEncoderLayer,
    Unembedding,
)
from powertrain.plugin import Inputs, Model, ModelError, check_task, param
from powertrain_text.tokenizer import PADDING


def words_of(where: str, inputs: Inputs) -> int:
    """The size of the vocabulary."""
    if inputs.vocabulary is None or len(inputs.shape) != 1:
        raise ModelError(
            f"[{where}] examples of shape {list(inputs.shape)} without a vocabulary; expected rows of tokens; use "
            "text data, such as text-table, or another model"
        )
    return inputs.vocabulary


# No weight is left beside a score without it. Not -inf: padding that sees padding alone would be NaN.
NEVER = -1e4
ITSELF = 64  # tokens away: a hidden one says nothing, but the first and the last have no other on one side


def biases(heads: int, places: int) -> Any:
    """[heads, places, places], added to the scores of attention (linear biases: Press, Smith and Lewis 2022).

    Even heads look to the left, odd ones to the right, the first of them at the nearest, later ones farther. A token
    looks at itself only where its side has no other.

    >>> biases(2, 3)[1].tolist()
    [[-64.0, -1.0, -2.0], [-10000.0, -64.0, -1.0], [-10000.0, -10000.0, -64.0]]
    """
    ahead = np.arange(places)[None, :] - np.arange(places)[:, None]
    made = np.empty((heads, places, places), np.float32)
    for head in range(heads):
        side = ahead if head % 2 else -ahead
        slope = 2.0 ** -(head // 2 * 16 / heads)
        made[head] = np.where(side > 0, -slope * side, np.where(side == 0, -slope * ITSELF, NEVER))
    return made


class Bert(Model):
    """Token and position embeddings, then transformer blocks normalised after each sum (Devlin et al. 2019).

    On a language task it gives the scores of every token at every place, by the token embedding: what the strategy
    `masked` learns from. On a classification task, those of the classes at the first token; padding is not seen.
    """

    TORCH_FORWARD = f"""
        def forward(self, tokens):
            x = self.dropout(self.norm(self.places(self.words(tokens))))
            padding = None
            if self.head_norm is None:
                padding = torch.zeros(tokens.shape).masked_fill(tokens == {PADDING}, float("-inf"))
            bias = self.biases(*tokens.shape) if self.near else None
            for block in self.blocks:
                if self.near:  # PyTorch's kernel for inference hides whatever has a bias; without this it is not used
                    block.activation_relu_or_gelu = 0
                x = block(x, src_mask=bias, src_key_padding_mask=padding)
            if self.head_norm is None:
                return self.head(x[:, 0])
            return self.scores(self.head_norm(F.gelu(self.head(x))), self.words.weight)

        def biases(self, batch, places):
            ahead = (torch.arange(places) - torch.arange(places)[:, None]).float()
            made = []
            for head in range(self.heads):
                side = ahead if head % 2 else -ahead
                slope = 2.0 ** -(head // 2 * 16 / self.heads)
                one = torch.where(side > 0, -slope * side, torch.full_like(side, {NEVER}))
                made.append(torch.where(side == 0, torch.full_like(side, -slope * {ITSELF}), one))
            return torch.stack(made).repeat(batch, 1, 1)
    """
    strategy = "masked"

    @dataclass(frozen=True)
    class Params:
        layers: int = param(2, low=1, doc="transformer blocks")
        heads: int = param(4, low=1, doc="attention heads")
        width: int = param(128, low=1, doc="size of a token's vector; a multiple of heads")
        dropout: float = param(0.1, low=0, below=1, doc="share of values set to zero in training")
        near: bool = param(False, doc="heads look to one side each and most at what is near, from the first step on")

        def __post_init__(self) -> None:
            if self.width % self.heads:
                raise ValueError(
                    f"width = {self.width}, heads = {self.heads}; expected width to be a multiple of heads"
                )

    def __init__(self, words: int, context: int, classes: int | None = None, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        width = params.width
        self.words, self.places = Embedding(words, width, std=0.02), PositionEmbedding(context, width)
        self.norm, self.dropout = LayerNorm(width), Dropout(params.dropout)
        self.blocks = Sequential(
            *(
                TransformerEncoderLayer(width, params.heads, 4 * width, params.dropout, "gelu")
                for _ in range(params.layers)
            )
        )
        self.heads, self.near = params.heads, params.near
        self.head: Module = Linear(width, width) if classes is None else Linear(width, classes)
        self.head_norm = LayerNorm(width) if classes is None else None
        self.scores = Unembedding()

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> Bert:
        check_task("bert", inputs, "language", "classification")
        words = inputs.outputs if inputs.task == "language" else words_of("bert", inputs)
        context = inputs.context or inputs.shape[0]
        return cls(words, context, None if inputs.task == "language" else inputs.outputs, params)

    def forward(self, tokens: Any) -> pt.Tensor:
        x = self.dropout(self.norm(self.places(self.words(tokens))))
        padding = None if self.head_norm is not None else pt.equal(tokens, PADDING)
        bias = self.bias(*tokens.shape) if self.near else None
        for block in self.blocks:
            x = block(x, src_mask=bias, src_key_padding_mask=padding)
        if self.head_norm is None:
            return self.head(x[:, 0])
        return self.scores(self.head_norm(F.gelu(self.head(x))), self.words.weight)

    def bias(self, batch: int, places: int) -> Any:
        """The same for every example, as attention takes it."""
        shape = (batch, self.heads, places, places)
        return pt.reshape(pt.broadcast_to(pt.tensor(biases(self.heads, places)), shape), (-1, places, places))


class BagOfTokens(Model):
    """The mean of the token embeddings, then a linear layer (the form of fastText, Joulin et al. 2017)."""

    TORCH_FORWARD = f"""
        def forward(self, tokens):
            real = (tokens != {PADDING}).float().unsqueeze(-1)
            mean = (self.words(tokens) * real).sum(1) / real.sum(1).clamp(min=1)
            return self.head(self.dropout(mean))
    """

    @dataclass(frozen=True)
    class Params:
        width: int = param(32, low=1, doc="size of a token's vector")
        dropout: float = param(0.0, low=0, below=1, doc="share of the mean's values set to zero in training")

    def __init__(self, words: int, outputs: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        self.words = Embedding(words, params.width, std=0.1)
        self.dropout = Dropout(params.dropout)
        self.head = Linear(params.width, outputs)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> BagOfTokens:
        check_task("bag-of-tokens", inputs, "classification", "regression")
        return cls(words_of("bag-of-tokens", inputs), inputs.outputs, params)

    def forward(self, tokens: Any) -> pt.Tensor:
        real = pt.astype(pt.not_equal(tokens, PADDING), "float32")
        vectors = self.words(tokens) * pt.reshape(real, (*tokens.shape, 1))
        mean = pt.sum(vectors, axis=1) / pt.maximum(pt.sum(real, axis=1, keepdims=True), 1.0)
        return self.head(self.dropout(mean))
