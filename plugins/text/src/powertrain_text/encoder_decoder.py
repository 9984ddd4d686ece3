"""An encoder reads a text, a decoder writes another one and looks at what the encoder gave."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.nn import Dropout, Embedding, Transformer
from powertrain.plugin import Inputs, Model, ModelError, check_task, param
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

    def decode(self, encoded: tuple[Any, Any], before: Any) -> Any:
        """A vector behind each token, of which `scores` are those of the next one: [batch, tokens, width]."""
        memory, padding = encoded
        return self.transformer.decoder(
            self.placed(before), memory, memory_key_padding_mask=padding, tgt_is_causal=True
        )

    def scores(self, x: Any) -> pt.Tensor:
        return pt.matmul(x, pt.permute_dims(self.words.weight, (1, 0)))

    def forward(self, source: Any, before: Any = None) -> pt.Tensor:
        return self.scores(self.decode(self.encode(source), source if before is None else before))


def demand_writer(model: Any) -> None:
    """Refuse a model that cannot write: a search encodes a text once, and decodes it many times."""
    if lacking := [name for name in ("encode", "decode", "scores") if not callable(getattr(model, name, None))]:
        raise ModelError(
            f"[translate] a model {type(model).__name__} without {', '.join(lacking)}; expected one that reads a text "
            'and writes another; model = "encoder-decoder"'
        )
