"""A network that gives each word of a sentence a label, by the word, its letters and its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import powertrain as pt
from powertrain.nn import GRU, Conv1d, Dropout, Embedding, Linear
from powertrain.plugin import Inputs, Model, ModelError, check_task, param
from powertrain_text.chain import Chain
from powertrain_text.labelling import NOTHING
from powertrain_text.lexicon import LETTERS, PADDING

SURE = 10.0  # the score of label 0 at padding, where all others have 0


class WordTagger(Model):
    """Each word is the vector of its number beside a convolution over its letters, of which the greatest value is taken
    (Ma and Hovy 2016). Recurrent layers read the sentence both ways; a chain makes labels of neighbours fit each other
    (Huang, Xu and Yu 2015)."""

    TORCH_FORWARD = f"""
        def forward(self, x):
            words = x[:, :, 0]
            real = words != {PADDING}
            letters = self.letters(x[:, :, 1:].flatten(0, 1))
            spelled = self.spelling(letters).amax(dim=1).reshape(*words.shape, -1)
            h = torch.nn.utils.rnn.pack_padded_sequence(
                self.dropout(torch.cat([self.words(words), spelled], dim=2)),
                real.sum(dim=1).clamp(min=1).cpu(), batch_first=True, enforce_sorted=False,
            )
            h, _ = self.recurrent(h)
            h, _ = torch.nn.utils.rnn.pad_packed_sequence(h, batch_first=True, total_length=words.shape[1])
            scores = self.chain(self.head(self.dropout(h)), real)
            of_padding = torch.zeros(scores.shape[-1])
            of_padding[{NOTHING}] = {SURE}
            return torch.where(real.unsqueeze(2), scores, of_padding)
    """
    example_inputs: ClassVar[tuple[Inputs, ...]] = (Inputs("labelling", (5, 4), 5, "int64", (), 5, vocabulary=11),)

    @dataclass(frozen=True)
    class Params:
        width: int = param(100, low=1, doc="size of a word's vector, and of each recurrent layer each way")
        letters: int = param(48, low=1, doc="features that are read from the letters of a word")
        letter_width: int = param(24, low=1, doc="size of a letter's vector")
        layers: int = param(1, low=1, doc="recurrent layers")
        dropout: float = param(0.5, low=0, below=1, doc="share of values set to zero in training")

    def __init__(self, words: int, labels: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        width = params.width
        self.words = Embedding(words, width, std=0.1)
        self.letters = Embedding(LETTERS, params.letter_width, std=0.1)
        self.spelling = Conv1d(params.letter_width, params.letters, kernel_size=3, padding=1)
        self.dropout = Dropout(params.dropout)
        between = params.dropout if params.layers > 1 else 0.0
        self.recurrent = GRU(width + params.letters, width, params.layers, dropout=between, bidirectional=True)
        self.head = Linear(2 * width, labels)
        self.chain = Chain(labels)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> WordTagger:
        check_task("word-tagger", inputs, "labelling")
        if inputs.vocabulary is None or len(inputs.shape) != 2 or inputs.shape[0] < 2:
            raise ModelError(
                f"[word-tagger] examples of shape {list(inputs.shape)}; expected [places, 1 + letters] of words and "
                'their letters; use data = "tagged-words"'
            )
        return cls(inputs.vocabulary, inputs.outputs, params)

    def forward(self, x: Any) -> pt.Tensor:
        batch, places, size = x.shape
        words = x[:, :, 0]
        real = pt.not_equal(words, PADDING)
        letters = self.letters(pt.reshape(x[:, :, 1:], (batch * places, size - 1)))
        spelled = pt.reshape(pt.max(self.spelling(letters), axis=1), (batch, places, -1))
        both = self.dropout(pt.concat([self.words(words), spelled], axis=2))
        lengths = pt.maximum(pt.sum(pt.astype(real, "int64"), axis=1), 1)
        read, _ = self.recurrent(both, lengths=lengths)
        scores = self.chain(self.head(self.dropout(read)), real)
        labels = pt.reshape(pt.arange(scores.shape[-1]), (1, 1, -1))
        of_padding = pt.astype(pt.where(labels == NOTHING, SURE, 0.0), scores.dtype.name)
        return pt.where(pt.expand_dims(real, 2), scores, of_padding)
