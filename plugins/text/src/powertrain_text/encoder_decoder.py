"""An encoder reads a text, a decoder writes another one and looks at what the encoder gave."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.nn import Dropout, Embedding, Transformer, Unembedding
from powertrain.plugin import Inputs, Model, ModelError, check_task, param
from powertrain_text.cached_decoder import Tensors, nothing_yet, seen_of, written
from powertrain_text.models import words_of
from powertrain_text.tokenizer import PADDING


def waves(places: int, width: int) -> NDArray[np.float32]:
    """Sines and cosines of places: [places, width].

    Source    Vaswani et al. 2017, section 3.5
    """
    steps = np.exp(np.arange(0, width, 2) * (-math.log(10_000) / width))
    angles = np.arange(places)[:, None] * steps
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(places, -1)[:, :width].astype(np.float32)


class EncoderDecoder(Model):
    """The transformer of Vaswani et al. 2017 with layers that normalise what goes into each part. One table of
    embeddings serves both languages and the scores (Press and Wolf 2017), so their tokens are of one vocabulary.

    `model(source, before)` gives the scores of the token behind each one of `before`; without it, behind each one of
    the source, which is then copied.

    Example
        >>> from powertrain_text.encoder_decoder import EncoderDecoder
        >>> model = EncoderDecoder(words=11, params=EncoderDecoder.Params(layers=1, heads=2, width=8))
        >>> model(pt.tensor([[3, 7, 8, 1]]), pt.tensor([[3, 9]])).shape
        (1, 2, 11)
    """

    TORCH_FORWARD = f"""
        def forward(self, source, before=None):
            padding = source == {PADDING}
            memory = self.transformer.encoder(self.placed(source), src_key_padding_mask=padding)
            before = source if before is None else before
            ahead = nn.Transformer.generate_square_subsequent_mask(before.shape[1], device=source.device)
            y = self.transformer.decoder(self.placed(before), memory, ahead, memory_key_padding_mask=padding)
            return self.scores(y, self.words.weight)

        def placed(self, tokens):
            steps = torch.exp(torch.arange(0, self.width, 2).double() * (-np.log(10_000) / self.width))
            angles = torch.arange(tokens.shape[1])[:, None] * steps
            waves = torch.stack([angles.sin(), angles.cos()], 2).flatten(1)[:, : self.width].float()
            return self.dropout(self.words(tokens) * self.width**0.5 + waves.to(tokens.device))
    """
    strategy = "translate"
    example_inputs: ClassVar[tuple[Inputs, ...]] = (Inputs("translation", (6,), 11, "int64", (), 6, vocabulary=11),)

    @dataclass(frozen=True)
    class Params:
        layers: int = param(2, low=1, doc="layers of the encoder, and of the decoder")
        heads: int = param(4, low=1, doc="attention heads")
        width: int = param(128, low=2, doc="size of a token's vector; a multiple of heads")
        dropout: float = param(0.1, low=0, below=1, doc="share of values set to zero in training")

        def __post_init__(self) -> None:
            if self.width % self.heads:
                raise ValueError(
                    f"width = {self.width}, heads = {self.heads}; expected width to be a multiple of heads"
                )

    def __init__(self, words: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        layers, width = params.layers, params.width
        self.width = width
        self.words = Embedding(words, width, std=width**-0.5)
        self.dropout = Dropout(params.dropout)
        self.transformer = Transformer(
            width, params.heads, layers, layers, 4 * width, params.dropout, norm_first=True
        )  # fmt: skip
        self.scores = Unembedding()

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> EncoderDecoder:
        check_task("encoder-decoder", inputs, "translation")
        words = words_of("encoder-decoder", inputs)
        if inputs.outputs != words:
            raise ModelError(
                f"[encoder-decoder] {inputs.outputs} outputs and a vocabulary of {words}; expected one vocabulary for "
                "texts and translations; fit one tokenizer on both, as text-pairs does"
            )
        return cls(words, params)

    def placed(self, tokens: Any) -> Any:
        x = self.words(tokens) * math.sqrt(self.width) + pt.asarray(waves(tokens.shape[1], self.width))
        return self.dropout(x)

    def encode(self, source: Any) -> tuple[Any, Any]:
        """What the decoder looks at, [batch, places, width], and where there is padding."""
        padding = pt.equal(source, PADDING)
        return self.transformer.encoder(self.placed(source), src_key_padding_mask=padding), padding

    def begin(self, source: Any, copies: int, places: int) -> tuple[Tensors, Tensors]:
        """What is seen of a text, and what is kept of tokens, for `copies` translations of each row; `write` takes
        both."""
        memory, padding = (
            pt.reshape(pt.broadcast_to(pt.expand_dims(x, 1), (x.shape[0], copies, *x.shape[1:])), (-1, *x.shape[1:]))
            for x in self.encode(source)
        )
        decoder: Any = self.transformer.decoder
        return (padding, *seen_of(decoder, memory)), nothing_yet(decoder, memory.shape[0], places)

    def write(self, seen: Tensors, kept: Tensors, token: Any, at: Any) -> tuple[pt.Tensor, Tensors]:
        """The scores of the token behind the one at place `at`, [batch, words], and what is kept of it."""
        places = kept[0].shape[2]
        wave = pt.take(pt.asarray(waves(places, self.width)), pt.reshape(at, (1,)), axis=0)
        x = pt.expand_dims(self.words(token) * math.sqrt(self.width) + wave, 1)
        decoder: Any = self.transformer.decoder
        y, kept = written(decoder, x, at, kept, seen[1:], seen[0])
        return self.scores(y[:, 0], self.words.weight), kept

    def forward(self, source: Any, before: Any = None) -> pt.Tensor:
        memory, padding = self.encode(source)
        before = self.placed(source if before is None else before)
        decoder = self.transformer.decoder
        y = decoder(before, memory, memory_key_padding_mask=padding, tgt_is_causal=True)
        return self.scores(y, self.words.weight)


def demand_writer(model: Any) -> None:
    """Refuse a model that cannot write: a search encodes a text once, and decodes it many times."""
    if lacking := [name for name in ("begin", "write") if not callable(getattr(model, name, None))]:
        raise ModelError(
            f"[translate] a model {type(model).__name__} without {', '.join(lacking)}; expected one that reads a text "
            'and writes another; model = "encoder-decoder"'
        )
