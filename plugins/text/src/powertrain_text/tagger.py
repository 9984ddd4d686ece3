"""A network that gives each token of a row a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import powertrain as pt
from powertrain.nn import GRU, Dropout, Embedding, Linear
from powertrain.plugin import Inputs, Model, check_task, param
from powertrain_text.labelling import NOTHING
from powertrain_text.models import words_of
from powertrain_text.tokenizer import PADDING

SURE = 10.0  # the score of label 0 at padding, where all others have 0


class Tagger(Model):
    """Embeddings, recurrent layers that read both ways (Huang, Xu and Yu 2015), and a linear layer at each place. The
    backward reading begins at the last token, not at padding, which always gets label 0."""

    TORCH_FORWARD = f"""
        def forward(self, tokens):
            real = tokens != {PADDING}
            lengths = real.sum(dim=1).clamp(min=1)
            x = torch.nn.utils.rnn.pack_padded_sequence(
                self.words(tokens), lengths.cpu(), batch_first=True, enforce_sorted=False
            )
            x, _ = self.recurrent(x)
            x, _ = torch.nn.utils.rnn.pad_packed_sequence(x, batch_first=True, total_length=tokens.shape[1])
            scores = self.head(self.dropout(x))
            of_padding = torch.zeros(scores.shape[-1])
            of_padding[{NOTHING}] = {SURE}
            return torch.where(real.unsqueeze(2), scores, of_padding)
    """
    example_inputs: ClassVar[tuple[Inputs, ...]] = (Inputs("labelling", (6,), 4, "int64", (), 6, vocabulary=11),)

    @dataclass(frozen=True)
    class Params:
        width: int = param(128, low=1, doc="size of a token's vector, and of each recurrent layer each way")
        layers: int = param(2, low=1, doc="recurrent layers")
        dropout: float = param(0.2, low=0, below=1, doc="share of values set to zero in training")

    def __init__(self, words: int, labels: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        width = params.width
        self.words = Embedding(words, width, std=0.1)
        self.dropout = Dropout(params.dropout)
        self.recurrent = GRU(width, width, params.layers, dropout=params.dropout, bidirectional=True)
        self.head = Linear(2 * width, labels)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> Tagger:
        check_task("tagger", inputs, "labelling")
        return cls(words_of("tagger", inputs), inputs.outputs, params)

    def forward(self, tokens: Any) -> pt.Tensor:
        real = pt.not_equal(tokens, PADDING)
        lengths = pt.maximum(pt.sum(pt.astype(real, "int64"), axis=1), 1)
        x, _ = self.recurrent(self.dropout(self.words(tokens)), lengths=lengths)
        scores = self.head(self.dropout(x))
        labels = pt.reshape(pt.arange(scores.shape[-1]), (1, 1, -1))
        of_padding = pt.where(labels == NOTHING, SURE, 0.0)
        return pt.where(pt.expand_dims(real, 2), scores, pt.astype(of_padding, scores.dtype.name))
